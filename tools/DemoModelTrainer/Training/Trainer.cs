using System.Diagnostics;
using DemoModelTrainer.Encoding;
using TorchSharp;
using static TorchSharp.torch;

namespace DemoModelTrainer.Training;

/// <summary>AdamW over drawn batches; the loss is the cross entropy of the model's own tokens.</summary>
internal sealed class Trainer(NanoModel model, CompactVocabulary vocabulary, TrainingOptions options)
{
    /// <param name="batches">An endless source.</param>
    /// <param name="weightsFile">Written now and then, and at the end.</param>
    public void Run(IEnumerable<IReadOnlyList<TrainingExample>> batches, string weightsFile)
    {
        using var optimizer = optim.AdamW(
            model.parameters(), options.LearningRate, beta1: 0.9, beta2: 0.98, weight_decay: options.WeightDecay);
        var clock = Stopwatch.StartNew();
        var (step, tokens, loss) = (0, 0L, 0.0);
        foreach (var examples in batches.Take(options.Steps))
        {
            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = options.LearningRateAt(step);
            }

            loss += Step(examples, optimizer);
            tokens += examples.Sum(example => example.Tokens.Length);
            step++;
            if (step % options.StepsPerReport == 0)
            {
                var seconds = clock.Elapsed.TotalSeconds;
                Console.WriteLine($"step {step}/{options.Steps}  loss {loss / options.StepsPerReport:F4}  "
                    + $"{tokens / seconds:F0} tok/s  {seconds:F0} s");
                loss = 0;
            }

            if (step % options.StepsPerSave == 0)
            {
                model.save(weightsFile);
            }
        }

        model.save(weightsFile);
    }

    private double Step(IReadOnlyList<TrainingExample> examples, optim.Optimizer optimizer)
    {
        using var scope = NewDisposeScope();
        var batch = TrainingBatch.Create(examples, vocabulary);
        var (logits, imbalance) = model.call(batch.Tokens, batch.Wanted);
        var loss = nn.functional.cross_entropy(logits, batch.Targets);
        optimizer.zero_grad();
        (loss + (imbalance * options.ImbalanceWeight).sum()).backward();
        nn.utils.clip_grad_norm_(model.parameters(), options.LargestGradientNorm);
        optimizer.step();
        return loss.item<float>();
    }
}
