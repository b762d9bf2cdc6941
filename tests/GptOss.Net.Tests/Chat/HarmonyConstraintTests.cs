using GptOss.Net.Chat;
using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.Chat;

/// <summary>What the model may write in a turn.</summary>
public sealed class HarmonyConstraintTests
{
    private const string ToAssistant = "<|end|><|start|>assistant";

    private static readonly TurnGrammar Free = Grammar();
    private static readonly TurnGrammar WithTools = Grammar(calls: ["get_weather", "get", "getter"]);

    [Theory]
    [InlineData("<|channel|>final<|message|>Hello<|return|>")]
    [InlineData("<|channel|>analysis<|message|>Hm" + ToAssistant + "<|channel|>final<|message|><|return|>")]
    [InlineData("<|channel|>commentary<|message|>Hm" + ToAssistant + "<|channel|>analysis<|message|>x" + ToAssistant
        + "<|channel|>final<|message|>y<|return|>")]
    public void Well_formed_turns_may_be_written(string turn) => Free.Constraint().Write(turn);

    [Theory]
    [InlineData(" to=functions.get_weather<|channel|>commentary <|constrain|>json<|message|>")]
    [InlineData(" to=functions.get_weather<|channel|>commentary json<|message|>")]
    [InlineData(" to=functions.get_weather<|channel|>analysis<|message|>")]
    [InlineData("<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>")]
    [InlineData("<|channel|>commentary to=functions.get_weather json<|message|>")]
    [InlineData("<|channel|>commentary to=functions.get_weather<|message|>")]
    [InlineData("<|channel|>analysis to=functions.get <|constrain|>json<|message|>")]
    [InlineData("<|channel|>commentary to=functions.getter json<|message|>")]
    public void Every_spelling_of_a_call_may_be_written(string header)
    {
        WithTools.Constraint().Write(header + """{"a":[1,"b"]}<|call|>""");
        WithTools.Constraint().Write("<|channel|>analysis<|message|>Hm" + ToAssistant + header + "{}<|call|>");
    }

    [Fact]
    public void A_turn_begins_with_a_channel() =>
        Free.Constraint().AllowedTokens().Should().Equal(ControlToken.Channel);

    [Fact]
    public void A_turn_with_functions_may_begin_with_a_recipient()
    {
        var allowed = WithTools.Constraint().AllowedTokens();

        allowed.Should().Contain([ControlToken.Channel, .. HarmonyScript.Encode(" to"), .. HarmonyScript.Encode(" t")]);
        allowed.Where(token => token != ControlToken.Channel).Should()
            .OnlyContain(token => " to=functions.get".StartsWith(HarmonyScript.Decode(new[] { token }), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("<|channel|>analysis<|message|>", ControlToken.End)]
    [InlineData("<|channel|>commentary<|message|>", ControlToken.End)]
    [InlineData("<|channel|>final<|message|>", ControlToken.Return)]
    public void In_a_text_every_ordinary_token_may_come_and_what_ends_it(string header, int terminator)
    {
        var constraint = Free.Constraint();
        constraint.Write(header + "Some text");

        constraint.AllowedTokens().Should().Equal([.. Enumerable.Range(0, ControlToken.First), terminator]);
    }

    [Theory]
    [InlineData("analysis")]
    [InlineData("commentary")]
    public void After_a_thought_or_a_preamble_comes_another_message_of_the_assistant(string channel)
    {
        var constraint = Free.Constraint();
        constraint.Write($"<|channel|>{channel}<|message|>Hm<|end|>");

        constraint.AllowedTokens().Should().Equal(ControlToken.Start);
        constraint.Write("<|start|>");
        constraint.AllowedTokens().Should()
            .OnlyContain(token => "assistant".StartsWith(HarmonyScript.Decode(new[] { token }), StringComparison.Ordinal));
        constraint.Write("assistant");
        constraint.AllowedTokens().Should().Equal(ControlToken.Channel);
    }

    [Fact]
    public void A_header_may_be_written_in_any_tokens()
    {
        var constraint = WithTools.Constraint();
        constraint.Accept(ControlToken.Channel);
        foreach (var letter in "commentary to=functions.get_weather")
        {
            var token = HarmonyScript.Encode($"{letter}").Single();
            constraint.AllowedTokens().Should().Contain(token);
            constraint.Accept(token);
        }

        constraint.AllowedTokens().Should().Contain([ControlToken.Message, .. HarmonyScript.Encode(" json")]);
    }

    [Fact]
    public void Arguments_end_where_their_json_does()
    {
        var constraint = WithTools.Constraint();
        constraint.Write("<|channel|>commentary to=functions.get json<|message|>{");
        constraint.AllowedTokens().Should().NotContain(token => ControlToken.IsControl(token));

        constraint.Write("}");

        constraint.AllowedTokens().Should().Equal(ControlToken.Call);
    }

    [Fact]
    public void Where_a_call_is_required_there_is_no_answer()
    {
        var constraint = Grammar(calls: ["f"], answers: false).Constraint();
        constraint.Write("<|channel|>");

        constraint.AllowedTokens().Should().NotContain([.. HarmonyScript.Encode("final"), .. HarmonyScript.Encode("f")]);
        constraint.Write("analysis<|message|>Hm" + ToAssistant + "<|channel|>commentary to=functions.f json<|message|>{}<|call|>");
    }

    [Fact]
    public void An_answer_in_json_has_a_content_type_and_no_words_before_it()
    {
        var constraint = Grammar(answer: JsonSchemaGrammar.AnyObject.Start()).Constraint();
        constraint.Write("<|channel|>analysis<|message|>Hm" + ToAssistant + "<|channel|>");
        constraint.AllowedTokens().Should().NotContain(HarmonyScript.Encode("comment"));
        constraint.Write("final");
        constraint.AllowedTokens().Should().NotContain(ControlToken.Message).And.Contain(ControlToken.Constrain);

        constraint.Write(""" <|constrain|>json<|message|>{"a":true}<|return|>""");
    }

    [Fact]
    public void Reasoning_beyond_its_budget_is_cut_off()
    {
        var constraint = Grammar(calls: ["f"], reasoningBudget: 3).Constraint();
        constraint.Write("<|channel|>analysis<|message|>One two three");

        constraint.AllowedTokens().Should().Equal(ControlToken.End);
        constraint.Write(ToAssistant + "<|channel|>");
        constraint.AllowedTokens().Should().Contain(HarmonyScript.Encode("final")).And.NotContain(HarmonyScript.Encode("x"));
        constraint.Write("commentary");
        constraint.AllowedTokens().Should().NotContain(ControlToken.Message, "a preamble would not end the turn");
    }

    [Fact]
    public void The_budget_holds_for_all_thoughts_together()
    {
        var constraint = Grammar(reasoningBudget: 3).Constraint();
        constraint.Write("<|channel|>analysis<|message|>One two" + ToAssistant + "<|channel|>analysis<|message|>three");

        constraint.AllowedTokens().Should().Equal(ControlToken.End);
    }

    [Fact]
    public void Without_a_budget_for_reasoning_the_answer_comes_at_once()
    {
        var constraint = Grammar(reasoningBudget: 0).Constraint();
        constraint.Write("<|channel|>");

        constraint.AllowedTokens().Should()
            .OnlyContain(token => "final".StartsWith(HarmonyScript.Decode(new[] { token }), StringComparison.Ordinal));
    }

    [Fact]
    public void A_turn_has_at_most_64_messages_before_its_last()
    {
        var constraint = Free.Constraint();
        for (var i = 0; i < 64; i++)
        {
            constraint.Write($"<|channel|>{(i % 2 == 0 ? "analysis" : "commentary")}<|message|>Hm{ToAssistant}");
        }

        constraint.Write("<|channel|>");

        constraint.AllowedTokens().Should()
            .OnlyContain(token => "final".StartsWith(HarmonyScript.Decode(new[] { token }), StringComparison.Ordinal));
    }

    [Fact]
    public void A_token_that_was_not_allowed_is_an_error()
    {
        var header = Free.Constraint();
        var between = Free.Constraint();
        between.Write("<|channel|>analysis<|message|>Hm<|end|>");

        header.Invoking(constraint => constraint.Accept(ControlToken.Message)).Should().Throw<InvalidOperationException>();
        header.Invoking(constraint => constraint.Accept(0)).Should().Throw<InvalidOperationException>();
        between.Invoking(constraint => constraint.Accept(0)).Should().Throw<InvalidOperationException>();
    }

    [Theory]
    [InlineData("free")]
    [InlineData("tools")]
    [InlineData("required")]
    [InlineData("json")]
    [InlineData("budget")]
    public void Random_turns_are_well_formed(string kind)
    {
        var grammar = kind switch
        {
            "free" => Free,
            "tools" => WithTools,
            "required" => Grammar(calls: ["f", "g"], answers: false),
            "json" => Grammar(calls: ["f"], answer: JsonSchemaGrammar.AnyObject.Start()),
            _ => Grammar(calls: ["f"], reasoningBudget: 5),
        };
        for (var seed = 0; seed < LongTests.Cases(20, 2_000); seed++)
        {
            var turn = ConstrainedWriter.Write(grammar.Constraint(), new Random(seed));

            Check(turn, grammar);
        }
    }

    private static void Check(List<int> turn, TurnGrammar grammar)
    {
        var parser = new HarmonyStreamParser(ScriptedModel.Tokenizer);
        var events = turn.SelectMany(parser.Append).ToArray();
        var text = HarmonyScript.Decode(turn);

        events.Should().NotContain(found => found.Header.IsRecovered, text);
        events.Where(found => found.Kind == HarmonyStreamEventKind.MessageEnded).SkipLast(1).Should().NotContain(
            found => found.Ending != MessageEnding.End || found.Header.Recipient != null, text);
        if (turn is [.., ControlToken.Return or ControlToken.Call])
        {
            var last = events.Last(found => found.Kind == HarmonyStreamEventKind.MessageEnded);
            last.Ending.Should().Be(last.Header.Recipient is null ? MessageEnding.Return : MessageEnding.Call, text);
            var body = string.Concat(events.Where(found => ReferenceEquals(found.Header, last.Header)).Select(found => found.Text));
            if (last.Header.Recipient is not null || grammar.LastForms.Any(form => form is { Kind: MessageKind.Answer, Body: not null }))
            {
                System.Text.Json.JsonDocument.Parse(body).Dispose();
            }
        }
    }

    private static TurnGrammar Grammar(
        string[]? calls = null, bool answers = true, TextState? answer = null, int reasoningBudget = int.MaxValue) =>
        TurnGrammar.Create(
            (calls ?? []).ToDictionary(name => name, _ => JsonSchemaGrammar.AnyObject.Start(), StringComparer.Ordinal),
            answers,
            answer,
            reasoningBudget);
}
