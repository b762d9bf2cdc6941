using System.CommandLine;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;

namespace GptOss.Net.Throughput.Serving;

/// <summary>
/// Drives any server of OpenAI's chat completions over HTTP: requests at random times, at several rates, or as many as a number of clients
/// ask for one after the other.
/// </summary>
internal sealed class HttpCommand
{
    private static readonly Option<string> Url = new("--url")
    {
        DefaultValueFactory = _ => "http://127.0.0.1:8000/v1",
        Description = "The API, up to v1.",
    };

    private static readonly Option<string?> Key = new("--key") { Description = "The API key." };
    private static readonly Option<string?> Model = new("--model") { Description = "The model's name. Default: the server's first." };
    private static readonly Option<double[]> Rates = new("--rates")
    {
        DefaultValueFactory = _ => [1, 2, 4],
        AllowMultipleArgumentsPerToken = true,
        Description = "Requests a second, one measurement each.",
    };
    private static readonly Option<int> Clients =
        new("--clients") { Description = "Instead of rates: clients that each ask again when they were answered." };
    private static readonly Option<int> Requests =
        new("--requests") { DefaultValueFactory = _ => 100, Description = "Requests of each measurement." };
    private static readonly Option<int> Words = new("--words") { DefaultValueFactory = _ => 100, Description = "Words of a prompt." };
    private static readonly Option<int> Tokens =
        new("--tokens") { DefaultValueFactory = _ => 64, Description = "Most tokens of an answer." };

    public static Command Command()
    {
        var command = new Command("http", "Latencies of a server over HTTP, OpenAI's protocol; usable against any server.")
        {
            Url, Key, Model, Rates, Clients, Requests, Words, Tokens,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task RunAsync(ParseResult result, CancellationToken cancellationToken)
    {
        var url = new Uri(result.GetRequiredValue(Url).TrimEnd('/') + "/");
        using var http = new HttpClient(new SocketsHttpHandler()) { BaseAddress = url, Timeout = TimeSpan.FromMinutes(30) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", result.GetValue(Key) ?? "none");
        var model = result.GetValue(Model) ?? await FirstModelAsync(http, cancellationToken);
        var generator = new HttpLoad(http, model, result.GetValue(Words), result.GetValue(Tokens));
        var requests = result.GetValue(Requests);
        await generator.AskAsync(0, Stopwatch.StartNew(), cancellationToken); // for the compiler
        Console.WriteLine(
            $"{model}: {result.GetValue(Words)} words in, at most {result.GetValue(Tokens)} tokens out; {requests} requests each; "
            + "pieces are events with text");
        Console.WriteLine($"{"",8} {"",9} {"first piece, ms",23} {"between pieces, ms",23} {"",7}");
        Console.WriteLine($"{"load",8} {"pieces/s",9} {"p50",7} {"p90",7} {"p99",7} {"p50",7} {"p90",7} {"p99",7} {"failed",7}");
        if (result.GetValue(Clients) is > 0 and var clients)
        {
            Report($"{clients} cl.", await generator.ClosedAsync(clients, requests, cancellationToken));
            return;
        }

        foreach (var rate in result.GetRequiredValue(Rates))
        {
            Report($"{rate:F2}/s", await generator.OpenAsync(rate, requests, cancellationToken));
        }
    }

    private static async Task<string> FirstModelAsync(HttpClient http, CancellationToken cancellationToken)
    {
        using var models = JsonDocument.Parse(await http.GetStringAsync(new Uri("models", UriKind.Relative), cancellationToken));
        return models.RootElement.GetProperty("data")[0].GetProperty("id").GetString()!;
    }

    private static void Report(string load, IReadOnlyList<TimedAnswer?> all)
    {
        var answers = all.OfType<TimedAnswer>().ToList();
        var seconds = answers.Count == 0 ? 1 : answers.Max(answer => answer.Tokens[^1]);
        Console.WriteLine(
            $"{load,8} {answers.Sum(answer => answer.Tokens.Count) / seconds,9:F1} "
            + $"{Percentiles.Of(answers.Select(answer => answer.TimeToFirstToken)).Milliseconds()} "
            + $"{Percentiles.Of(answers.SelectMany(answer => answer.TimesBetweenTokens)).Milliseconds()} {all.Count - answers.Count,7}");
    }
}
