using System.Diagnostics;
using System.Globalization;

namespace GptOss.Net.Tool;

/// <summary>Times one answer of greedy tokens, after one that is not counted.</summary>
internal static class BenchCommand
{
    private const string Prompt = "The quick brown fox jumps over the lazy dog. ";

    public static async Task<int> RunAsync(string pathOrId, GptOssModelOptions options, int tokens, CancellationToken cancellationToken)
    {
        await using var model = await GptOssModel.LoadAsync(pathOrId, options, cancellationToken: cancellationToken);
        var prompt = model.Tokenizer.Encode(string.Concat(Enumerable.Repeat(Prompt, 20)));
        await MeasureAsync(model, prompt[1..], Math.Min(tokens, 8), cancellationToken);
        var (first, rest, count) = await MeasureAsync(model, prompt, tokens, cancellationToken);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{prompt.Length} tokens in: the first token after {first.TotalMilliseconds:F0} ms, "
            + $"{prompt.Length / first.TotalSeconds:F0} tokens/s read"));
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{count} tokens out: {(count - 1) / rest.TotalSeconds:F1} tokens/s"));
        return 0;
    }

    private static async Task<(TimeSpan First, TimeSpan Others, int Count)> MeasureAsync(
        GptOssModel model, int[] prompt, int tokens, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var (first, count) = (TimeSpan.Zero, 0);
        var options = new SamplingOptions { Temperature = 0, MaxOutputTokens = tokens };
        await foreach (var token in model.GenerateAsync(prompt, options, cancellationToken: cancellationToken))
        {
            first = count++ == 0 ? clock.Elapsed : first;
        }

        return (first, clock.Elapsed - first, count);
    }
}
