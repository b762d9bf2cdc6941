using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Functions: how they are told to the model, how it calls them, and how its thoughts last between calls.</summary>
public sealed class ChatToolTests
{
    private const string Answer = "<|channel|>final<|message|>It rains.<|return|>";
    private const string Thought = "<|channel|>analysis<|message|>I need the weather.<|end|><|start|>assistant";
    private const string Call = "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\":\"Bern\"}<|call|>";

    private static readonly AIFunction Weather =
        AIFunctionFactory.Create(([Description("Which city")] string city) => $"rain in {city}", "get_weather", "The weather of a city");

    private static readonly ChatOptions Tools = new() { Tools = [Weather] };

    [Fact]
    public async Task Functions_are_told_to_the_model()
    {
        using var chat = new ScriptedChat(Answer);

        var prompt = await chat.Prompt([new(ChatRole.User, "Hi")], new() { Tools = [Weather], Instructions = "Be kind." });

        prompt.Should().Contain("\nCalls to these tools must go to the commentary channel: 'functions'.<|end|>");
        prompt.Should().Contain(
            "<|start|>developer<|message|># Instructions\n\nBe kind.\n\n# Tools\n\n## functions\n\nnamespace functions {\n\n"
            + "// The weather of a city\ntype get_weather = (_: {\n// Which city\ncity: "
            + "string,\n}) => any;\n\n} // namespace functions<|end|>");
    }

    [Fact]
    public async Task A_call_comes_whole_with_its_arguments()
    {
        using var chat = new ScriptedChat(Call);

        var updates = await chat.Stream(options: Tools);

        var call = updates.SelectMany(update => update.Contents).OfType<FunctionCallContent>().Should().ContainSingle().Subject;
        call.Name.Should().Be("get_weather");
        call.CallId.Should().StartWith("call_").And.HaveLength(27);
        call.Arguments.Should().ContainSingle().Which.Value.Should().BeOfType<JsonElement>().Which.GetString().Should().Be("Bern");
        updates[^1].FinishReason.Should().Be(ChatFinishReason.ToolCalls);
    }

    [Fact]
    public async Task The_last_value_of_an_argument_that_is_named_twice_counts()
    {
        var anything = AIFunctionFactory.CreateDeclaration("anything", null, JsonElement.Parse("{\"type\":\"object\"}"));
        using var chat = new ScriptedChat(
            "<|channel|>commentary to=functions.anything <|constrain|>json<|message|>{\"\":1,\"a\":2,\"\":3}<|call|>");

        var response = await chat.Ask(options: new() { Tools = [anything] });

        var call = response.Messages[0].Contents.Should().ContainSingle().Which.Should().BeOfType<FunctionCallContent>().Subject;
        call.Arguments!.Select(argument => (argument.Key, ((JsonElement)argument.Value!).GetInt32())).Should()
            .BeEquivalentTo([("", 3), ("a", 2)]);
    }

    [Fact]
    public async Task A_preamble_comes_before_the_call_in_a_message_of_its_own()
    {
        using var chat = new ScriptedChat("<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant" + Call);

        var response = await chat.Ask(options: Tools);

        response.Messages.Should().HaveCount(2);
        response.Messages[0].Text.Should().Be("Let me look.");
        response.Messages[1].Contents.Should().ContainSingle().Which.Should().BeOfType<FunctionCallContent>();
    }

    [Fact]
    public async Task A_call_that_is_cut_off_is_no_call()
    {
        using var chat = new ScriptedChat(Call);
        var whole = HarmonyScript.Encode(Call).Length;

        for (var tokens = 1; tokens < whole; tokens++)
        {
            var response = await chat.Ask(options: new() { Tools = [Weather], MaxOutputTokens = tokens });

            response.FinishReason.Should().Be(ChatFinishReason.Length);
            response.Messages.SelectMany(message => message.Contents).Should().BeEmpty();
        }
    }

    [Fact]
    public async Task The_model_calls_and_answers_through_function_invocation()
    {
        using var chat = new ScriptedChat(prompt => prompt.Contains("rain in Bern", StringComparison.Ordinal) ? Answer : Thought + Call);
        using var client = new ChatClientBuilder(chat.Client).UseFunctionInvocation().Build();

        var response = await client.GetResponseAsync("How is the weather in Bern?", Tools, TestContext.Current.CancellationToken);

        response.Text.Should().Be("It rains.");
        response.FinishReason.Should().Be(ChatFinishReason.Stop);
        chat.Prompts.Should().HaveCount(2);
        chat.Prompts[1].Should().EndWith(
            "<|start|>user<|message|>How is the weather in Bern?<|end|>"
            + "<|start|>assistant<|channel|>analysis<|message|>I need the weather.<|end|>"
            + "<|start|>assistant to=functions.get_weather<|channel|>commentary <|constrain|>json<|message|>{\"city\":\"Bern\"}<|call|>"
            + "<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>rain in Bern<|end|><|start|>assistant");
    }

    [Fact]
    public async Task Several_calls_one_after_the_other_keep_all_thoughts()
    {
        using var chat = new ScriptedChat(prompt =>
            prompt.Contains("rain in Rome", StringComparison.Ordinal) ? Answer
            : prompt.Contains("rain in Bern", StringComparison.Ordinal)
                ? "<|channel|>analysis<|message|>And Rome.<|end|><|start|>assistant" + Call.Replace(
                    "Bern", "Rome", StringComparison.Ordinal)
                : Thought + Call);
        using var client = new ChatClientBuilder(chat.Client).UseFunctionInvocation().Build();

        var response = await client.GetResponseAsync("Hi", Tools, TestContext.Current.CancellationToken);

        response.Text.Should().Be("It rains.");
        chat.Prompts[^1].Should().Contain("I need the weather.").And.Contain("And Rome.");
        response.Usage!.OutputTokenCount.Should().BeGreaterThan(HarmonyScript.Encode(Thought + Call + Call + Answer).Length);
    }

    [Fact]
    public async Task Hidden_thoughts_before_a_call_are_protected_data()
    {
        using var chat = new ScriptedChat(Thought + Call);

        var contents = (await chat.Ask(options: Tools)).Messages.Single().Contents;

        var thought = contents[0].Should().BeOfType<TextReasoningContent>().Subject;
        thought.Text.Should().BeEmpty();
        thought.ProtectedData.Should().NotBeNullOrEmpty();
        contents[1].Should().BeOfType<FunctionCallContent>();
    }

    [Fact]
    public async Task Thoughts_are_replayed_in_the_tokens_that_the_model_wrote()
    {
        // A letter at a time; encoded from text it would be one token.
        using var chat = new ScriptedChat(Answer);
        var written = "weather".SelectMany(letter => HarmonyScript.Encode($"{letter}")).ToArray();
        ChatMessage[] Conversation(string? protectedData) =>
        [
            new(ChatRole.User, "Hi"),
            new(
                ChatRole.Assistant,
                [new TextReasoningContent("weather") { ProtectedData = protectedData }, new FunctionCallContent("1", "get_weather")]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "rain")]),
        ];

        var asText = await chat.Client.GetResponseAsync(Conversation(null), Tools, TestContext.Current.CancellationToken);
        var asTokens = await chat.Client.GetResponseAsync(
            Conversation(chat.Model.ReasoningSeal.Seal(written)), Tools, TestContext.Current.CancellationToken);
        var tampered = await chat.Client.GetResponseAsync(
            Conversation("Ag" + chat.Model.ReasoningSeal.Seal(written)[2..].Insert(40, "AAAA")), Tools,
            TestContext.Current.CancellationToken);

        (asTokens.Usage!.InputTokenCount - asText.Usage!.InputTokenCount).Should().Be(written.Length - 1);
        tampered.Usage!.InputTokenCount.Should().Be(asText.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task Names_that_the_format_cannot_hold_are_mapped_there_and_back()
    {
        AIFunction Named(string name) => AIFunctionFactory.Create(() => "ok", name);
        using var chat = new ScriptedChat("<|channel|>commentary to=functions.get_weather_2 <|constrain|>json<|message|>{}<|call|>");
        var options = new ChatOptions { Tools = [Named("get-weather"), Named("get.weather"), Named("2fast"), Named("Wetter ä")] };

        var response = await chat.Ask(options: options);

        chat.Prompts[0].Should().Contain("type get_weather =").And.Contain("type get_weather_2 =").And.Contain("type _2fast =").And.Contain(
            "type Wetter_ =");
        var call = response.Messages.Single().Contents.OfType<FunctionCallContent>().Single();
        call.Name.Should().Be("get.weather");
        var history = new ChatMessage[]
        {
            new(ChatRole.User, "Hi"), response.Messages.Single(), new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "ok")]),
        };
        (await chat.Prompt(history, options)).Should().Contain("<|start|>functions.get_weather_2 to=assistant");
    }

    [Fact]
    public async Task Functions_that_must_not_be_called_are_known_but_not_called()
    {
        using var chat = new ScriptedChat(Call);

        var response = await chat.Ask(options: new() { Tools = [Weather], ToolMode = ChatToolMode.None, MaxOutputTokens = 30, Seed = 1 });

        chat.Prompts[0].Should().Contain("type get_weather =");
        response.Messages.SelectMany(message => message.Contents).Should().NotContain(content => content is FunctionCallContent);
    }

    [Fact]
    public async Task Functions_that_are_not_allowed_are_known_but_not_called()
    {
        AIFunction[] tools = [Weather, AIFunctionFactory.Create(() => "ok", "other"), AIFunctionFactory.Create(() => "ok", "third")];
        using var all = new ScriptedChat(Answer);
        using var some = new ScriptedChat(Answer);
        (await some.Prompt([new(ChatRole.User, "Hi")], Allowing("other")))
            .Should().Be(await all.Prompt([new(ChatRole.User, "Hi")], new() { Tools = tools }));

        using var chat = new NoisyChat();
        foreach (var mode in (ChatToolMode[])[ChatToolMode.RequireAny, ChatToolMode.Auto])
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            for (var seed = 0; seed < 10; seed++)
            {
                var options = Allowing("other", "third");
                (options.ToolMode, options.Seed, options.MaxOutputTokens) = (mode, seed, 1_000);
                var response = await chat.Client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);
                names.UnionWith(response.Messages[^1].Contents.OfType<FunctionCallContent>().Select(call => call.Name));
                (response.FinishReason == ChatFinishReason.ToolCalls || mode == ChatToolMode.Auto).Should().BeTrue();
            }

            names.Should().BeSubsetOf(["other", "third"]).And.NotBeEmpty();
        }

        chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hi", Allowing("x")))
            .Should().Throw<ArgumentException>().WithMessage("AllowedTools names 'x', but ChatOptions.Tools does not hold it.*");
        var required = Allowing("other");
        required.ToolMode = ChatToolMode.RequireSpecific("third");
        chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hi", required))
            .Should().Throw<ArgumentException>().WithMessage("ChatOptions.ToolMode requires a call of the function 'third',*");

        ChatOptions Allowing(params string[] names) => new()
        {
            Tools = [.. tools],
            RawRepresentationFactory = _ => new GptOssRequestOptions { AllowedTools = names },
        };
    }

    [Fact]
    public async Task A_call_that_is_required_is_made()
    {
        var other = AIFunctionFactory.Create(() => "ok", "other");
        using var chat = new NoisyChat();

        foreach (var mode in new[] { ChatToolMode.RequireAny, ChatToolMode.RequireSpecific("other") })
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            for (var seed = 0; seed < 10; seed++)
            {
                var options = new ChatOptions { Tools = [Weather, other], ToolMode = mode, Seed = seed, MaxOutputTokens = 1_000 };
                var response = await chat.Client.GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);

                response.FinishReason.Should().Be(ChatFinishReason.ToolCalls);
                names.Add(response.Messages[^1].Contents.OfType<FunctionCallContent>().Single().Name);
            }

            names.Should().BeSubsetOf(mode.Equals(ChatToolMode.RequireAny) ? ["get_weather", "other"] : ["other"]).And.Contain("other");
        }
    }

    [Fact]
    public void A_required_function_that_is_not_there_is_refused()
    {
        using var chat = new ScriptedChat(Answer);

        chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hi", new ChatOptions { ToolMode = ChatToolMode.RequireAny }))
            .Should().Throw<ArgumentException>().WithMessage("ChatOptions.ToolMode requires a call of a function,*");
        chat.Client.Invoking(
            client => client.GetStreamingResponseAsync(
                "Hi", new ChatOptions { Tools = [Weather], ToolMode = ChatToolMode.RequireSpecific("x") }))
            .Should().Throw<ArgumentException>().WithMessage("ChatOptions.ToolMode requires a call of the function 'x',*");
    }

    [Fact]
    public async Task Tools_that_are_not_functions_are_ignored()
    {
        using var chat = new ScriptedChat(Answer);
        var prompt = await chat.Prompt([new(ChatRole.User, "Hi")], new() { Tools = [new HostedWebSearchTool()] });

        prompt.Should().NotContain("# Tools");
        chat.Client.Invoking(
            client => client.GetStreamingResponseAsync(
                "Hi", new ChatOptions { Tools = [new HostedWebSearchTool()], ToolMode = ChatToolMode.RequireAny }))
            .Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task A_function_that_is_given_twice_is_told_once()
    {
        using var chat = new ScriptedChat(Answer);

        var prompt = await chat.Prompt([new(ChatRole.User, "Hi")], new() { Tools = [Weather, Weather] });

        prompt.Split("type get_weather").Should().HaveCount(2);
    }

    [Fact]
    public void Two_different_functions_of_a_name_are_refused()
    {
        using var chat = new ScriptedChat(Answer);
        var other = AIFunctionFactory.Create(() => "ok", "get_weather");

        chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hi", new ChatOptions { Tools = [Weather, other] }))
            .Should().Throw<ArgumentException>().WithMessage("*two different functions of the name 'get_weather'*");
    }

    [Fact]
    public async Task A_function_with_a_name_of_9000_characters_can_be_called()
    {
        AIFunction[] functions = [.. Enumerable.Range(0, 3).Select(i => AIFunctionFactory.Create(() => i, new string('f', 9_000 + i)))];
        using var chat =
            new ScriptedChat($"<|channel|>commentary to=functions.{new string('f', 126)}_3 <|constrain|>json<|message|>{{}}<|call|>");

        var response = await chat.Ask(options: new() { Tools = functions });

        response.Messages.Single().Contents.Should().ContainSingle().Which.Should().BeOfType<FunctionCallContent>().Which.Name.Should()
            .HaveLength(9_002);
    }

    [Fact]
    public async Task A_hidden_thought_stands_before_the_preamble_that_it_led_to()
    {
        const string Preamble = "<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant";
        const string Turn = Thought + Preamble + "<|channel|>analysis<|message|>Now.<|end|><|start|>assistant" + Call;
        using var chat = new ScriptedChat(Turn);
        foreach (var output in new[] { ReasoningOutput.None, ReasoningOutput.Full })
        {
            var options = new ChatOptions { Tools = [Weather], Reasoning = new() { Output = output } };
            var response = await chat.Ask(options: options);
            var call = response.Messages[^1].Contents.OfType<FunctionCallContent>().Single();

            var prompt = chat.Render(
                [new(ChatRole.User, "Hi"), .. response.Messages, new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "rain")])],
                options);

            prompt.Should().Contain(
                "<|start|>assistant" + Turn[..Turn.IndexOf("<|channel|>commentary to=", StringComparison.Ordinal)]
                    + " to=functions.get_weather");
        }
    }

    [Fact]
    public async Task An_edited_call_is_replayed_as_edited()
    {
        using var chat = new ScriptedChat(Call.Replace("{\"city\":\"Bern\"}", "{\"city\": \"Bern\"}", StringComparison.Ordinal));
        var response = await chat.Ask(options: Tools);
        var call = response.Messages.Single().Contents.OfType<FunctionCallContent>().Single();
        ChatMessage[] history =
            [new(ChatRole.User, "Hi"), response.Messages.Single(), new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "rain")])];

        var unedited = await chat.Prompt(history, Tools);
        call.Arguments!["city"] = "Rome";
        var edited = await chat.Prompt(history, Tools);

        unedited.Should().Contain("<|message|>{\"city\": \"Bern\"}<|call|>");
        edited.Should().Contain("<|message|>{\"city\":\"Rome\"}<|call|>").And.NotContain("Bern");
    }

    [Fact]
    public async Task What_of_a_schema_cannot_be_enforced_is_left_out_and_listed()
    {
        using var chat = new ScriptedChat("<|channel|>commentary to=functions.odd <|constrain|>json<|message|>{\"a\":1}<|call|>");
        var declaration = AIFunctionFactory.CreateDeclaration("odd", null, JsonElement.Parse(
            """{"type":"object","properties":{"a":{"type":"strong"},"b":{"type":"array","contains":{"const":1}}},"if":{},"then":{}}"""));

        var response = await chat.Ask(options: new() { Tools = [declaration] });

        response.Messages[^1].Contents.OfType<FunctionCallContent>().Single().Name.Should().Be("odd");
        response.AdditionalProperties![GptOssChatClient.NotEnforced].Should().BeAssignableTo<string[]>().Which.Should().BeEquivalentTo(
            "odd #: 'if' is not enforced", "odd #/properties/b: 'contains' is not enforced",
            "odd #/properties/a/type: 'type' must be null, boolean, integer, number, string, array or object, or an array of these");
    }

    [Fact]
    public async Task What_is_not_enforced_is_logged_once()
    {
        using var logs = new RecordingLoggerFactory();
        using var chat = new ScriptedChat(_ => "<|channel|>final<|message|>Hi<|return|>", loggerFactory: logs);
        AIFunctionDeclaration Odd(string name) => AIFunctionFactory.CreateDeclaration(name, null, JsonElement.Parse(
            """{"type":"object","properties":{"b":{"type":"array","contains":{"const":1}}}}"""));

        var first = await chat.Ask("A", new() { Tools = [Odd("odd")] });
        var second = await chat.Ask("B", new() { Tools = [Odd("odd")] });
        await chat.Ask("C", new() { Tools = [Odd("odd"), Odd("other")] });

        logs.Texts.Where(text => text.StartsWith("Not enforced", StringComparison.Ordinal)).Should().Equal(
            "Not enforced: odd #/properties/b: 'contains' is not enforced",
            "Not enforced: other #/properties/b: 'contains' is not enforced");
        second.AdditionalProperties![GptOssChatClient.NotEnforced].Should()
            .BeEquivalentTo(first.AdditionalProperties![GptOssChatClient.NotEnforced], "each response lists it");
    }

    [Theory]
    [InlineData("""{"type":["object","null"],"properties":{"a":{"type":"integer"}}}""")]
    [InlineData("""{"type":"object","nullable":true,"properties":{"a":{"type":"integer"}}}""")]
    [InlineData("""{"anyOf":[{"type":"null"},{"type":"object","properties":{"a":{"type":"integer"}}}]}""")]
    public async Task Arguments_are_never_null(string schema)
    {
        using var chat = new ScriptedChat("<|channel|>commentary to=functions.f <|constrain|>json<|message|>null<|call|>");
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.CreateDeclaration("f", null, JsonElement.Parse(schema))],
            ToolMode = ChatToolMode.RequireAny,
        };

        var response = await chat.Ask(options: options);

        response.Messages[^1].Contents.OfType<FunctionCallContent>().Single().Arguments.Should().NotBeNull();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("true")]
    [InlineData("""{"properties":{"a":{"type":"integer"}}}""")]
    public async Task Arguments_are_an_object_even_where_the_schema_leaves_it_open(string schema)
    {
        using var chat = new ScriptedChat("<|channel|>commentary to=functions.open <|constrain|>json<|message|>17");
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.CreateDeclaration("open", null, JsonElement.Parse(schema))],
            MaxOutputTokens = 500,
        };

        var response = await chat.Ask(options: options);

        response.Messages.SelectMany(message => message.Contents).Should().NotContain(content => content is TextContent);
        (response.FinishReason == ChatFinishReason.ToolCalls).Should()
            .Be(response.Messages.Any(message => message.Contents.Any(content => content is FunctionCallContent)));
    }
}
