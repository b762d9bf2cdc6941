using System.Text.Json;

namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyRendererTests
{
    private static readonly HarmonyMessage Question = HarmonyMessage.FromUser("q");
    private static readonly HarmonyMessage Thought = HarmonyMessage.FromAssistant("t", HarmonyChannel.Analysis);
    private static readonly HarmonyMessage Answer = HarmonyMessage.FromAssistant("a", HarmonyChannel.Final);
    private static readonly HarmonyMessage Preamble = HarmonyMessage.FromAssistant("p", HarmonyChannel.Commentary);
    private static readonly HarmonyMessage Call = HarmonyMessage.FromCall("functions.f", "{}");
    private static readonly HarmonyMessage Result = HarmonyMessage.FromTool("functions.f", "1");

    private static readonly HarmonyRenderer Renderer = new(Shared.Tokenizer);

    [Fact]
    public void Each_kind_of_message_has_its_form() => Text(Renderer.Render([Question, Thought, Preamble, Call, Result])).Should().Be(
        "<|start|>user<|message|>q<|end|>"
        + "<|start|>assistant<|channel|>analysis<|message|>t<|end|>"
        + "<|start|>assistant<|channel|>commentary<|message|>p<|end|>"
        + "<|start|>assistant to=functions.f<|channel|>commentary <|constrain|>json<|message|>{}<|call|>"
        + "<|start|>functions.f to=assistant<|channel|>commentary<|message|>1<|end|>");

    [Fact]
    public void A_constrained_content_type_has_a_control_token()
    {
        Renderer.Render([Call]).Should().ContainInOrder(220, ControlToken.Constrain, 4108);
        Renderer.Render([WithContentType("json")]).Should()
            .ContainInOrder(5701, ControlToken.Message).And.NotContain(ControlToken.Constrain);
        Text(Renderer.Render([WithContentType("<|constrain|>")])).Should().Contain("final <|constrain|><|message|>");
    }

    [Fact]
    public void A_recipient_for_all_is_not_written_but_makes_a_call() => Text(Renderer.Render(
        [new HarmonyMessage { Role = HarmonyRole.Assistant, Recipient = "all", Content = [new HarmonyText("x")] }]))
        .Should().Be("<|start|>assistant<|message|>x<|call|>");

    [Fact]
    public void A_name_follows_the_role_and_parts_follow_each_other() => Text(Renderer.Render(
        [new HarmonyMessage { Role = HarmonyRole.User, AuthorName = "bob", Content = [new HarmonyText("x"), new HarmonyText("y")] }]))
        .Should().Be("<|start|>user:bob<|message|>xy<|end|>");

    [Fact]
    public void A_completion_prompt_ends_with_the_start_of_the_assistants_message() =>
        Renderer.RenderForCompletion([Question]).Should().Equal([.. Renderer.Render([Question]), ControlToken.Start, 173781]);

    [Theory]
    [InlineData(AnalysisHistory.CurrentTurn, "q a q t c")]
    [InlineData(AnalysisHistory.Reference, "q t a q t c")]
    [InlineData(AnalysisHistory.All, "q t a q t c")]
    public void Reasoning_of_a_running_turn_is_kept(AnalysisHistory history, string expected) =>
        Bodies(history, Question, Thought, Answer, Question, Thought, WithText(Call, "c")).Should().Be(expected);

    [Theory]
    [InlineData(AnalysisHistory.CurrentTurn, "q a q a q")]
    [InlineData(AnalysisHistory.Reference, "q a q t a q")]
    [InlineData(AnalysisHistory.All, "q t a q t a q")]
    public void Reasoning_of_answered_turns_is_dropped(AnalysisHistory history, string expected) =>
        Bodies(history, Question, Thought, Answer, Question, Thought, Answer, Question).Should().Be(expected);

    [Fact]
    public void Preambles_calls_and_results_of_answered_turns_are_kept() =>
        Bodies(AnalysisHistory.CurrentTurn, Question, Thought, Preamble, Call, Result, OnAnalysis(Call), OnAnalysis(Result), Answer)
            .Should().Be("q p {} 1 {} 1 a");

    [Fact]
    public void A_training_example_ends_as_the_model_ends_and_keeps_what_is_learned() =>
        Text(Renderer.RenderForTraining([Question, Thought, Answer, Question, Thought, Call, Result, Thought, Answer]))
            .Should().Be(Text(new HarmonyRenderer(Shared.Tokenizer, new HarmonyRendererOptions { AnalysisHistory = AnalysisHistory.All })
                .Render([Question, Answer, Question, Thought, Call, Result, Thought, Answer]))[..^"<|end|>".Length] + "<|return|>");

    [Fact]
    public void Only_a_final_answer_ends_with_return()
    {
        Renderer.RenderForTraining([Question, Thought]).Should().EndWith([ControlToken.End]);
        Renderer.RenderForTraining([Question, Call]).Should().EndWith([ControlToken.Call]);
        Renderer.RenderForTraining([Answer, Question]).Should().EndWith([ControlToken.End]).And.NotContain(ControlToken.Return);
        Renderer.RenderForTraining([]).Should().BeEmpty();
    }

    [Fact]
    public void The_response_format_ends_the_developer_message()
    {
        using var schema = JsonDocument.Parse("""{ "type": "object", "properties": { "é": { "const": 1.0 } } }""");
        var content = new DeveloperContent
        {
            Instructions = "i",
            ResponseFormat = new ResponseFormat { Name = "list", Description = "one\ntwo", Schema = schema.RootElement },
        };
        Text(Renderer.Render([HarmonyMessage.FromDeveloper(content)])).Should().Be(
            "<|start|>developer<|message|># Instructions\n\ni\n\n# Response Formats\n\n## list\n\n// one\n// two\n"
            + """{"type":"object","properties":{"é":{"const":1.0}}}""" + "<|end|>");
    }

    [Fact]
    public void Built_in_tools_stand_between_effort_and_channels_in_alphabetical_order()
    {
        ToolNamespace[] tools =
        [
            new() { Name = "python", Description = "Runs code.\n\nIn a notebook." },
            new() { Name = "browser", Description = "Looks.\nAround.", Tools = [new() { Name = "find" }] },
        ];
        Text(
            Renderer.Render(
                [HarmonyMessage.FromSystem(new SystemContent { Identity = null, KnowledgeCutoff = null, ToolNamespaces = tools })]))
            .Should().Be(
            "<|start|>system<|message|>Reasoning: medium\n\n# Tools\n\n## browser\n\n// Looks.\n// Around.\nnamespace browser {\n\n"
            + "type find = () => any;\n\n} // namespace browser\n\n## python\n\nRuns code.\n\nIn a notebook.\n\n"
            + "# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>");
    }

    [Fact]
    public void Content_in_the_wrong_message_is_refused()
    {
        Refuse(new HarmonyMessage { Role = HarmonyRole.User, Content = [new SystemContent()] }, "*SystemContent*User*");
        Refuse(new HarmonyMessage { Role = HarmonyRole.System, Content = [new DeveloperContent()] }, "*DeveloperContent*System*");
        Refuse(new HarmonyMessage { Role = HarmonyRole.Tool, Content = [new HarmonyText("x")] }, "*AuthorName*");
    }

    [Fact]
    public void What_was_rendered_parses_back()
    {
        HarmonyMessage[] messages = [Question, Thought, Preamble, Call, Result, Thought];
        HarmonyParser.Parse(Shared.Tokenizer, Renderer.Render(messages)).Should()
            .BeEquivalentTo(messages, options => options.WithStrictOrdering());
    }

    private static void Refuse(HarmonyMessage message, string reason) =>
        FluentActions.Invoking(() => Renderer.Render([message])).Should().Throw<ArgumentException>().WithMessage(reason);

    private static string Bodies(AnalysisHistory history, params HarmonyMessage[] messages)
    {
        var renderer = new HarmonyRenderer(Shared.Tokenizer, new HarmonyRendererOptions { AnalysisHistory = history });
        return string.Join(' ', HarmonyParser.Parse(Shared.Tokenizer, renderer.Render(messages)).Select(message => message.Text));
    }

    private static HarmonyMessage OnAnalysis(HarmonyMessage message) => new()
    {
        Role = message.Role,
        AuthorName = message.AuthorName,
        Recipient = message.Recipient,
        Channel = HarmonyChannel.Analysis,
        Content = message.Content,
    };

    private static HarmonyMessage WithText(HarmonyMessage call, string text) =>
        new() { Role = call.Role, Recipient = call.Recipient, Channel = call.Channel, Content = [new HarmonyText(text)] };

    private static HarmonyMessage WithContentType(string contentType) =>
        new() { Role = HarmonyRole.Assistant, Channel = "final", ContentType = contentType, Content = [new HarmonyText("{}")] };

    private static string Text(int[] ids) => Shared.Tokenizer.Decode(ids);
}
