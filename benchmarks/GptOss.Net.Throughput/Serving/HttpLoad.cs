using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace GptOss.Net.Throughput.Serving;

/// <summary>Asks a server over HTTP and notes when each piece of an answer comes.</summary>
internal sealed class HttpLoad(HttpClient http, string model, int words, int tokens)
{
    /// <summary>Requests that come at random times, whether the others were answered or not.</summary>
    public async Task<TimedAnswer?[]> OpenAsync(double rate, int requests, CancellationToken cancellationToken)
    {
        var random = new Random(1);
        var clock = Stopwatch.StartNew();
        var answers = new List<Task<TimedAnswer?>>();
        var due = 0.0;
        for (var i = 0; i < requests; i++)
        {
            // The gaps between events that come at random are distributed exponentially. Late wake-ups do not add up.
            due += -Math.Log(1 - random.NextDouble()) / rate;
            var wait = due - clock.Elapsed.TotalSeconds;
            if (wait > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(wait), cancellationToken);
            }

            answers.Add(AskAsync(i, clock, cancellationToken));
        }

        return await Task.WhenAll(answers);
    }

    /// <summary>A number of clients that each ask again when they were answered.</summary>
    public async Task<IReadOnlyList<TimedAnswer?>> ClosedAsync(int clients, int requests, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var next = 0;
        var answers = await Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            var own = new List<TimedAnswer?>();
            for (var i = Interlocked.Increment(ref next); i <= requests; i = Interlocked.Increment(ref next))
            {
                own.Add(await AskAsync(i, clock, cancellationToken));
            }

            return own;
        }));
        return [.. answers.SelectMany(own => own)];
    }

    /// <summary>One request; <see langword="null"/> if it failed.</summary>
    public async Task<TimedAnswer?> AskAsync(int number, Stopwatch clock, CancellationToken cancellationToken)
    {
        // Each prompt begins differently, so that none is found in a cache.
        var prompt = $"{number} " + string.Join(' ', Enumerable.Range(0, words).Select(i => $"word{(number * 7) + i}"));
        var body =
            $$"""{"model":{{Json(model)}},"stream":true,"max_tokens":{{tokens}},"messages":[{"role":"user","content":{{Json(prompt)}}}]}""";
        using var request = new HttpRequestMessage(HttpMethod.Post, "chat/completions")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        var asked = clock.Elapsed.TotalSeconds;
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            return null;
        }

        var pieces = new List<double>();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line && line is not "data: [DONE]")
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal) && HasText(line))
            {
                pieces.Add(clock.Elapsed.TotalSeconds);
            }
        }

        return pieces.Count > 0 ? new TimedAnswer(asked, pieces) : null;
    }

    private static bool HasText(string line)
    {
        using var chunk = JsonDocument.Parse(line.AsMemory(6));
        return chunk.RootElement.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0
            && choices[0].GetProperty("delta") is var delta
            && delta.EnumerateObject().Any(member => member.Name is "content" or "reasoning" or "reasoning_content"
                && member.Value.ValueKind == JsonValueKind.String && member.Value.GetString()!.Length > 0);
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
