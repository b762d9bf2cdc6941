using static TorchSharp.torch;

namespace DemoModelTrainer.Encoding;

/// <summary>Several examples as tensors of the current dispose scope.</summary>
/// <param name="Tokens">Compact ids, <c>[batch, tokens]</c>, padded at the end.</param>
/// <param name="Wanted">Flat positions whose next token is learned, <c>[n]</c>.</param>
/// <param name="Targets">Those next tokens, <c>[n]</c>.</param>
/// <param name="Owners">The example of every target, <c>[n]</c>.</param>
internal sealed record TrainingBatch(Tensor Tokens, Tensor Wanted, Tensor Targets, int[] Owners)
{
    public static TrainingBatch Create(IReadOnlyList<TrainingExample> examples, CompactVocabulary vocabulary)
    {
        var length = examples.Max(example => example.Tokens.Length) - 1;
        var tokens = new long[examples.Count * length];
        List<long> wanted = [], targets = [];
        List<int> owners = [];
        for (var row = 0; row < examples.Count; row++)
        {
            var example = examples[row];
            for (var position = 0; position < example.Tokens.Length - 1; position++)
            {
                tokens[(row * length) + position] = vocabulary.ToCompact(example.Tokens[position]);
                if (example.IsLearned[position + 1])
                {
                    wanted.Add((row * length) + position);
                    targets.Add(vocabulary.ToCompact(example.Tokens[position + 1]));
                    owners.Add(row);
                }
            }
        }

        return new TrainingBatch(
            tensor(tokens, [examples.Count, length]), tensor(wanted.ToArray()), tensor(targets.ToArray()), [.. owners]);
    }
}
