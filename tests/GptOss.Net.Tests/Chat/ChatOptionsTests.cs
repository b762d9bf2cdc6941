using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace GptOss.Net.Tests.Chat;

/// <summary>Every option is honoured or refused, and nothing of the caller's is changed.</summary>
public sealed class ChatOptionsTests : IDisposable
{
    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    public static TheoryData<string, ChatOptions> OutOfRange => new()
    {
        { "Temperature", new() { Temperature = -1 } },
        { "Temperature", new() { Temperature = float.NaN } },
        { "TopP", new() { TopP = 1.5f } },
        { "TopP", new() { TopP = float.NaN } },
        { "TopK", new() { TopK = 0 } },
        { "TopK", new() { TopK = -3 } },
        { "FrequencyPenalty", new() { FrequencyPenalty = 2.5f } },
        { "FrequencyPenalty", new() { FrequencyPenalty = float.NaN } },
        { "PresencePenalty", new() { PresencePenalty = -2.5f } },
        { "PresencePenalty", new() { PresencePenalty = float.NegativeInfinity } },
        { "MaxOutputTokens", new() { MaxOutputTokens = 0 } },
        { "StopSequences", new() { StopSequences = [""] } },
        { "StopSequences", new() { StopSequences = [.. Enumerable.Repeat("x", 17)] } },
        { "MinP", With(new() { MinP = double.NaN }) },
        { "RepetitionPenalty", With(new() { RepetitionPenalty = 0 }) },
        { "TopLogProbabilities", With(new() { LogProbabilities = true, TopLogProbabilities = 21 }) },
        { "RepetitionLimit", With(new() { RepetitionLimit = 1 }) },
        { "LogitBias", With(new() { LogitBias = new Dictionary<int, float> { [-1] = 1 } }) },
    };

    public static TheoryData<string, ChatOptions> Unsupported => new()
    {
        { "ConversationId", new() { ConversationId = "42" } },
        { "ContinuationToken", new() { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) } },
    };

    public void Dispose() => _chat.Dispose();

    [Theory]
    [MemberData(nameof(OutOfRange), DisableDiscoveryEnumeration = true)]
    public void A_value_out_of_range_is_refused_at_the_call_by_its_name(string name, ChatOptions options) =>
        _chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hello", options))
            .Should().Throw<ArgumentException>().Which.ParamName.Should().StartWith(name);

    [Theory]
    [MemberData(nameof(Unsupported), DisableDiscoveryEnumeration = true)]
    public void What_the_client_does_not_do_is_refused_by_its_name(string name, ChatOptions options) =>
        _chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hello", options))
            .Should().Throw<NotSupportedException>().WithMessage($"ChatOptions.{name} is set: *");

    [Fact]
    public void Another_model_is_refused() =>
        _chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hello", new ChatOptions { ModelId = "gpt-5" }))
            .Should().Throw<ArgumentException>().WithMessage("ModelId is 'gpt-5', but this client runs 'scripted'.*");

    [Fact]
    public async Task The_name_of_the_model_is_accepted() =>
        (await _chat.Ask(options: new() { ModelId = "Scripted" })).Text.Should().Be("Yes.");

    [Theory]
    [InlineData("scripted")]
    [InlineData("openai/gpt-oss-20b")]
    [InlineData("GPT-OSS-20b")]
    [InlineData("")]
    [InlineData(" ")]
    public async Task The_model_is_known_by_its_name_and_by_what_it_was_loaded_as(string id) =>
        (await _chat.Ask(options: new() { ModelId = id, ConversationId = "" })).Text.Should().Be("Yes.");

    [Fact]
    public async Task The_options_of_another_client_are_ignored() =>
        (await _chat.Ask(options: new() { RawRepresentationFactory = _ => "text" })).Text.Should().Be("Yes.");

    [Fact]
    public async Task The_raw_representation_is_asked_for_once_with_the_client()
    {
        var asked = new List<IChatClient>();
        var options = new ChatOptions
        {
            RawRepresentationFactory = client =>
            {
                asked.Add(client);
                return null;
            },
        };

        await _chat.Ask(options: options);

        asked.Should().Equal(_chat.Client);
    }

    [Fact]
    public async Task Options_that_need_nothing_are_ignored()
    {
        var options = new ChatOptions
        {
            AllowBackgroundResponses = true,
            AllowMultipleToolCalls = true,
            AdditionalProperties = new() { ["stream_options"] = "x" },
            ResponseFormat = ChatResponseFormat.Text,
            ToolMode = ChatToolMode.Auto,
            Tools = [],
            StopSequences = [],
        };

        (await _chat.Ask(options: options)).Text.Should().Be("Yes.");
    }

    [Theory]
    [InlineData(null, "medium")]
    [InlineData(ReasoningEffort.None, "low")]
    [InlineData(ReasoningEffort.Low, "low")]
    [InlineData(ReasoningEffort.Medium, "medium")]
    [InlineData(ReasoningEffort.High, "high")]
    [InlineData(ReasoningEffort.ExtraHigh, "high")]
    public async Task The_effort_is_told_to_the_model(ReasoningEffort? effort, string told) =>
        (await _chat.Prompt([new(ChatRole.User, "Hi")], new() { Reasoning = new() { Effort = effort } }))
            .Should().Contain($"\nReasoning: {told}\n");

    [Fact]
    public async Task A_logit_bias_reaches_the_sampler()
    {
        var yes = HarmonyScript.Encode("Yes").Single();

        (await _chat.Ask(options: With(new() { LogitBias = new Dictionary<int, float> { [yes] = -100 } }))).Text.Should()
            .NotStartWith("Yes");
    }

    [Fact]
    public async Task The_date_is_that_of_the_clock()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2031, 2, 3, 23, 30, 0, TimeSpan.Zero));
        using var chat = new ScriptedChat(_ => "<|channel|>final<|message|>Yes.<|return|>", timeProvider: clock);

        var response = await chat.Ask();

        chat.Prompts[0].Should().Contain("\nCurrent date: 2031-02-03\n");
        response.CreatedAt.Should().Be(clock.GetUtcNow());
    }

    [Fact]
    public async Task The_date_of_the_request_counts_more() =>
        (await _chat.Prompt([new(ChatRole.User, "Hi")], With(new() { CurrentDate = new DateOnly(1999, 12, 31) })))
            .Should().Contain("\nCurrent date: 1999-12-31\n");

    [Fact]
    public async Task Equal_seeds_give_equal_answers()
    {
        using var model = new RandomChat();

        var texts = new List<string>();
        foreach (var seed in new long?[] { 1, 1, 2, null, null })
        {
            texts.Add((await model.Ask(new() { Seed = seed, MaxOutputTokens = 20 })).Text);
        }

        texts[1].Should().Be(texts[0]);
        texts.Skip(1).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Messages_are_enumerated_once_and_nothing_is_changed()
    {
        var enumerations = 0;
        var messages = new List<ChatMessage>
        {
            new(ChatRole.System, "Be brief."),
            new(ChatRole.Assistant, [new TextReasoningContent("Hm."), new TextContent("Hello.")]),
            new(ChatRole.User, "Hi"),
            new(
                ChatRole.Assistant,
                [new FunctionCallContent("1", "f", new Dictionary<string, object?>(StringComparer.Ordinal) { ["a"] = 1 })]),
            new(ChatRole.Tool, [new FunctionResultContent("1", new List<int> { 1, 2 })]),
        };
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.Create((int a) => a, "f")],
            ToolMode = ChatToolMode.Auto,
            ResponseFormat = ChatResponseFormat.Text,
            AdditionalProperties = new() { ["key"] = "value" },
            Instructions = "Be kind.",
            Temperature = 0.5f,
            StopSequences = ["x"],
            Reasoning = new() { Effort = ReasoningEffort.High, Output = ReasoningOutput.Full },
        };
        var before = (Json(messages), Json(options));
        AITool[] tools = [.. options.Tools];

        await _chat.Client.GetResponseAsync(Once(), options, TestContext.Current.CancellationToken);

        enumerations.Should().Be(1);
        (Json(messages), Json(options)).Should().Be(before);
        options.Tools.Should().Equal(tools);

        IEnumerable<ChatMessage> Once()
        {
            enumerations++;
            foreach (var message in messages)
            {
                yield return message;
            }
        }
    }

    private static string Json<T>(T value) => System.Text.Json.JsonSerializer.Serialize(value, AIJsonUtilities.DefaultOptions);

    private static ChatOptions With(GptOssRequestOptions own) => new() { RawRepresentationFactory = _ => own };
}
