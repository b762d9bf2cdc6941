using DemoModelTrainer.Corpus;
using DemoModelTrainer.Encoding;
using DemoModelTrainer.Training;
using static TorchSharp.torch;

namespace DemoModelTrainer.Evaluation;

/// <summary>
/// Counts the conversations whose every learned token is the model's most likely one: those that it would write
/// greedily, word for word.
/// </summary>
internal sealed class Evaluator(NanoModel model, CompactVocabulary vocabulary, ExampleEncoder encoder)
{
    private const int BatchSize = 24;

    public Accuracy Measure(IEnumerable<Sample> samples)
    {
        Dictionary<string, (int Right, int Total)> byScript = new(StringComparer.Ordinal);
        var (loss, batches) = (0.0, 0);
        foreach (var chunk in samples.Chunk(BatchSize))
        {
            var (right, chunkLoss) = MeasureBatch([.. chunk.Select(encoder.Encode)]);
            (loss, batches) = (loss + chunkLoss, batches + 1);
            for (var index = 0; index < chunk.Length; index++)
            {
                var (rightBefore, totalBefore) = byScript.GetValueOrDefault(chunk[index].Script);
                byScript[chunk[index].Script] = (rightBefore + (right[index] ? 1 : 0), totalBefore + 1);
            }
        }

        return new Accuracy(
            byScript.Values.Sum(count => count.Right), byScript.Values.Sum(count => count.Total), loss / batches, byScript);
    }

    private (bool[] Right, double Loss) MeasureBatch(IReadOnlyList<TrainingExample> examples)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var batch = TrainingBatch.Create(examples, vocabulary);
        var (logits, _) = model.call(batch.Tokens, batch.Wanted);
        var hits = logits.argmax(-1).eq(batch.Targets).data<bool>().ToArray();
        var right = Enumerable.Repeat(true, examples.Count).ToArray();
        for (var index = 0; index < hits.Length; index++)
        {
            right[batch.Owners[index]] &= hits[index];
        }

        return (right, nn.functional.cross_entropy(logits, batch.Targets).item<float>());
    }
}
