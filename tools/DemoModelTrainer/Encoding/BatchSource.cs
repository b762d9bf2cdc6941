using DemoModelTrainer.Corpus;

namespace DemoModelTrainer.Encoding;

/// <summary>Draws conversations without end and groups those of similar length, so that little is padded.</summary>
internal sealed class BatchSource(ConversationSampler sampler, ExampleEncoder encoder, int tokensPerBatch, Random random)
{
    private const int PoolSize = 512;

    public IEnumerable<IReadOnlyList<TrainingExample>> Batches()
    {
        while (true)
        {
            var pool = Enumerable.Range(0, PoolSize).Select(_ => encoder.Encode(sampler.Draw()))
                .OrderBy(example => example.Tokens.Length)
                .ToList();
            var batches = Group(pool);
            random.Shuffle(batches);
            foreach (var batch in batches)
            {
                yield return batch;
            }
        }
    }

    private IReadOnlyList<TrainingExample>[] Group(List<TrainingExample> sorted)
    {
        List<IReadOnlyList<TrainingExample>> batches = [];
        List<TrainingExample> batch = [];
        foreach (var example in sorted)
        {
            if (batch.Count > 0 && (batch.Count + 1) * example.Tokens.Length > tokensPerBatch)
            {
                batches.Add(batch);
                batch = [];
            }

            batch.Add(example);
        }

        batches.Add(batch);
        return [.. batches];
    }
}
