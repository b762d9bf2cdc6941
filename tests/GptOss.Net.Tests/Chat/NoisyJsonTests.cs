using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NJsonSchema;

namespace GptOss.Net.Tests.Chat;

/// <summary>Whatever the model is driven to, its answers in JSON are of their schema.</summary>
public sealed class NoisyJsonTests(ITestOutputHelper output)
{
    private const int MaxOutputTokens = 2_000;

    private static readonly (string Question, JsonElement Schema)[] Kinds =
    [
        ("What is the capital of France?", Schema<Capital>()),
        ("Anna is 31 years old.", Schema<Person>()),
        ("What is 7 + 5?", Schema<Sum>()),
        ("Name three planets.", Schema<Planets>()),
        ("Tell me about Bern.", Schema<Town>()),
        ("How many?", Schema<Code>()),
        ("When?", Schema<Appointment>()),
    ];

    private enum Size
    {
        Small,
        Large,
    }

    [Fact]
    public async Task Every_answer_is_valid()
    {
        using var chat = await ShakenDemoChat.LoadAsync();
        var turns = LongTests.Cases(21, 10_000);
        var responses = new ChatResponse[turns];
        var started = Stopwatch.GetTimestamp();

        await ShakenDemoChat.Ask(turns, async (turn, cancellationToken) =>
        {
            var (question, schema) = Kinds[turn % Kinds.Length];
            var options = new ChatOptions
            {
                ResponseFormat = ChatResponseFormat.ForJsonSchema(schema, "answer"),
                Temperature = 1.5f,
                Seed = turn,
                MaxOutputTokens = MaxOutputTokens,
                RawRepresentationFactory = _ => new GptOssRequestOptions { ReasoningBudget = 50 },
            };
            responses[turn] = await chat.Model.AsIChatClient().GetResponseAsync(question, options, cancellationToken);
        });

        var elapsed = Stopwatch.GetElapsedTime(started);
        var problems = await Problems(responses);
        output.WriteLine(
            $"{turns - problems.Count} of {turns} answers are valid; {responses.Sum(response => response.Usage!.OutputTokenCount)} tokens, "
            + $"at most {responses.Max(response => response.Usage!.OutputTokenCount)} a turn, in {elapsed.TotalSeconds:F0} s");
        problems.Should().BeEmpty();
    }

    private static async Task<List<string>> Problems(ChatResponse[] responses)
    {
        var problems = new List<string>();
        for (var kind = 0; kind < Kinds.Length; kind++)
        {
            var validator = await JsonSchema.FromJsonAsync(Kinds[kind].Schema.GetRawText(), TestContext.Current.CancellationToken);
            for (var turn = kind; turn < responses.Length; turn += Kinds.Length)
            {
                if (Problem(responses[turn], validator) is { } problem)
                {
                    problems.Add($"Turn {turn}: {problem} in '{responses[turn].Text}'");
                }
            }
        }

        return problems;
    }

    private static string? Problem(ChatResponse response, JsonSchema validator)
    {
        if (response.FinishReason != ChatFinishReason.Stop)
        {
            return $"the end is {response.FinishReason}";
        }

        using var reader = new JsonTextReader(new StringReader(response.Text)) { DateParseHandling = DateParseHandling.None };
        try
        {
            JsonDocument.Parse(response.Text).Dispose();
            return validator.Validate(JToken.ReadFrom(reader)).FirstOrDefault()?.ToString();
        }
        catch (System.Text.Json.JsonException exception)
        {
            return exception.Message;
        }
    }

    private static JsonElement Schema<T>() => AIJsonUtilities.CreateJsonSchema(typeof(T));

    // Bounded, or else noise would go on until the limit cuts it off.
    private sealed record Capital([property: MaxLength(30)] string City, [property: MaxLength(30)] string Country);

    private sealed record Person([property: MaxLength(60)] string Name, int Age);

    private sealed record Sum(int Result);

    private sealed record Planets([property: MaxLength(8)] Size[] Sizes, [property: MaxLength(3)] bool?[] AreNear);

    private sealed record Town(
        [property: MaxLength(50)] string Name, [property: Range(1, 20_000_000)] int Inhabitants, Size Size, Town? Neighbour = null);

    private sealed record Appointment(DateTime Start, TimeOnly? End, Guid Id, bool IsCertain, double Share = 1);

    private sealed record Code([property: RegularExpression("^[A-Z]{3}-[0-9]{2,4}(é|ü)?$")] string Value, char Letter);
}
