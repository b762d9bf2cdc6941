using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Throughput.Soak;

/// <summary>
/// Requests of all kinds to one model: tokens and chats, with several answers, tools and schemas. 20 % are cancelled, 5 % abandoned by
/// their reader, 2 % bad.
/// </summary>
internal sealed class SoakTraffic(GptOssModel model, int seed)
{
    private const double CancelledShare = 0.20;
    private const double AbandonedShare = 0.05;
    private const double BadShare = 0.02;
    private const int LatestCancelMilliseconds = 600;
    private const int Systems = 8; // different beginnings of prompts
    private const int Schemas = 16;
    private const int Words = 50_000;

    private readonly Random _random = new(seed);
    private readonly GptOssChatClient _client = model.AsIChatClient();
    private readonly AIFunctionDeclaration[] _tools =
    [
        AIFunctionFactory.CreateDeclaration("get_weather", "The weather of a place.", ObjectSchema("location")),
        AIFunctionFactory.CreateDeclaration("send_mail", "Sends a mail.", ObjectSchema("recipient")),
    ];

    public SoakCounts Counts { get; } = new();

    /// <summary>Begins the next request; from one thread. The task ends with the request and never fails.</summary>
    public Task RequestAsync()
    {
        var draw = _random.NextDouble();
        if (draw < BadShare)
        {
            return BadAsync(_random.Next(5));
        }

        // What is drawn is drawn here: the order in which requests run must not change the ones that follow.
        return _random.Next(10) < 6
            ? ReadAsync(Tokens(), draw - BadShare, _random.Next())
            : ReadAsync(Chat(), draw - BadShare, _random.Next());
    }

    private Func<CancellationToken, IAsyncEnumerable<GeneratedToken>> Tokens()
    {
        var prompt = Prompt(_random.Next(1, 200));
        var options = new SamplingOptions
        {
            MaxOutputTokens = _random.Next(1, 100),
            AnswerCount = _random.Next(6) == 0 ? 3 : 1,
            Temperature = _random.Next(2),
            LogProbabilities = _random.Next(4) == 0,
            StopSequences = _random.Next(4) == 0 ? ["the end"] : [],
            FrequencyPenalty = _random.Next(4) == 0 ? 0.5 : 0,
        };
        var generation = new GenerationOptions { Priority = _random.Next(-1, 2), CacheSalt = _random.Next(8) == 0 ? "tenant" : null };
        return cancellationToken => model.GenerateAsync(prompt, options, generation, cancellationToken);
    }

    private Func<CancellationToken, IAsyncEnumerable<ChatResponseUpdate>> Chat()
    {
        ChatMessage[] messages =
        [
            new(ChatRole.System, $"You are helper number {_random.Next(Systems)}. Answer briefly."),
            new(ChatRole.User, model.Tokenizer.Decode(Prompt(_random.Next(1, 60)))),
        ];
        var kind = _random.Next(3);
        var options = new ChatOptions
        {
            MaxOutputTokens = _random.Next(20, 120),
            Tools = kind == 1 ? [.. _tools] : null,
            ResponseFormat = kind == 2 ? ChatResponseFormat.ForJsonSchema(ObjectSchema($"property{_random.Next(Schemas)}")) : null,
        };
        return cancellationToken => _client.GetStreamingResponseAsync(messages, options, cancellationToken);
    }

    private int[] Prompt(int length)
    {
        // Every fourth begins like others do.
        var shared = _random.Next(4) == 0 ? new Random(_random.Next(Systems)) : _random;
        return [.. Enumerable.Range(0, length).Select(_ => shared.Next(Words))];
    }

    private async Task ReadAsync<T>(Func<CancellationToken, IAsyncEnumerable<T>> start, double draw, int seed)
    {
        var random = new Random(seed);
        using var cancellation = new CancellationTokenSource();
        var (isCancelled, isAbandoned) = (draw < CancelledShare, draw >= CancelledShare && draw < CancelledShare + AbandonedShare);
        try
        {
            if (isCancelled)
            {
                cancellation.CancelAfter(random.Next(LatestCancelMilliseconds));
            }

            // A request that is not abandoned is read to its end.
            await ReadSomeAsync(start(cancellation.Token), isAbandoned ? random.Next(1, 10) : int.MaxValue, disposes: random.Next(2) == 0);
            (isAbandoned ? (Action)Counts.Abandoned : Counts.Finished)();
        }
        catch (OperationCanceledException) when (isCancelled)
        {
            Counts.Cancelled();
        }
        catch (GptOssBusyException)
        {
            Counts.Busy();
        }
#pragma warning disable CA1031 // Counted and reported.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Counts.NotExpected(exception.ToString());
        }
    }

    private static async Task ReadSomeAsync<T>(IAsyncEnumerable<T> stream, int count, bool disposes)
    {
        var reader = stream.GetAsyncEnumerator();
        var left = count;
        while (await reader.MoveNextAsync())
        {
            if (--left == 0 && !disposes)
            {
                // Forgotten by its reader, who does not even dispose of it.
                return;
            }

            if (left == 0)
            {
                break;
            }
        }

        await reader.DisposeAsync();
    }

    private async Task BadAsync(int kind)
    {
        try
        {
            var stream = kind switch
            {
                0 => model.GenerateAsync([]),
                1 => model.GenerateAsync([model.VocabularySize]),
                2 => model.GenerateAsync([.. Enumerable.Repeat(1, model.MaxModelLength)]),
                3 => model.GenerateAsync([1], new SamplingOptions { TopP = 2 }),
                _ => model.GenerateAsync([1, SoakExecutor.NotANumber]),
            };
            await ReadSomeAsync(stream, int.MaxValue, disposes: true);
            Counts.NotExpected($"bad request {kind} was answered");
        }
        catch (Exception exception) when (exception is ArgumentException or NonFiniteLogitsException)
        {
            Counts.Refused();
        }
        catch (GptOssBusyException)
        {
            Counts.Busy();
        }
    }

    private static JsonElement ObjectSchema(string property) =>
        JsonElement.Parse($$"""
            {
              "type": "object",
              "properties": { "{{property}}": { "type": "string", "maxLength": 40 }, "count": { "type": "integer" } },
              "required": ["{{property}}"],
              "additionalProperties": false
            }
            """);
}
