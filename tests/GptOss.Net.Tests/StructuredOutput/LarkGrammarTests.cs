using System.Text;
using System.Text.Json;
using GptOss.Net.StructuredOutput;
using GptOss.Net.StructuredOutput.Rules;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Which texts follow a grammar in Lark's notation.</summary>
public sealed class LarkGrammarTests
{
    [Theory]
    [InlineData("start: \"a\"", "a", true)]
    [InlineData("start: \"a\"", "b", false)]
    [InlineData("start: \"a\"", "aa", false)]
    [InlineData("start: \"a\"", "", false)]
    [InlineData("start: \"a\" \"b\"", "ab", true)]
    [InlineData("start: \"a\" | \"b\"", "b", true)]
    [InlineData("start: \"a\"\n     | \"b\"\n\n  | \"c\"", "c", true)]
    [InlineData("start: \"a\" |", "", true)]
    [InlineData("start:", "", true)]
    [InlineData("start: \"a\"?", "", true)]
    [InlineData("start: [\"a\" | \"b\"] \"c\"", "bc", true)]
    [InlineData("start: [\"a\" | \"b\"] \"c\"", "c", true)]
    [InlineData("start: (\"a\" \"b\")*", "abab", true)]
    [InlineData("start: (\"a\" \"b\")*", "aba", false)]
    [InlineData("start: (\"a\"\n   \"b\"\n   )+ \"c\"", "abc", true)]
    [InlineData("start: \"a\"+", "", false)]
    [InlineData("start: \"a\"~3", "aaa", true)]
    [InlineData("start: \"a\"~3", "aa", false)]
    [InlineData("start: \"a\"~0..2 \"b\"", "b", true)]
    [InlineData("start: \"a\"~1..2 \"b\"", "aab", true)]
    [InlineData("start: \"a\"~1..2 \"b\"", "aaab", false)]
    [InlineData("start: (\"a\"? \"b\")~2", "bab", true)]
    [InlineData("start: \"a\"..\"f\"", "f", true)]
    [InlineData("start: \"a\"..\"f\"", "g", false)]
    [InlineData("start: \"ж\"..\"щ\"", "ш", true)]
    [InlineData("start: /[0-9]{2}/ /x|y/", "42y", true)]
    [InlineData("start: /a|b/ \"c\"", "bc", true)]
    [InlineData("start: /\\//", "/", true)]
    [InlineData("start: /a.b/", "a\nb", false)]
    [InlineData("start: /a.b/s", "a\nb", true)]
    [InlineData("start: /k[a-c]é/i", "KBÉ", true)]
    [InlineData("start: /[^a]/i", "A", false)]
    [InlineData("start: \"select\"i", "SeLecT", true)]
    [InlineData("start: \"select\"", "Select", false)]
    [InlineData("start: \"straße\"i", "STRAßE", true)]
    [InlineData("start: \"a\\\"\\\\\\n\\x41\\u00e9\\U0001F600\"", "a\"\\\nAé😀", true)]
    [InlineData("start: A\nA: B~2 | \"x\"\nB: \"b\"..\"d\" C?\nC: /!+/", "b!!d", true)]
    [InlineData("start: A // a comment\n# another\nA: \"//#\" // and one", "//#", true)]
    [InlineData("?start: _x -> y\n!_x: \"a\"", "a", true)]
    [InlineData("%import common.INT -> NUMBER\nstart: NUMBER", "12", true)]
    [InlineData("start: \"\" \"a\" \"\"", "a", true)]
    [InlineData("start: \"\\U0001F600\" | \"汉\"", "😀", true)]
    [InlineData("start: /\\p{L}+/", "Жя汉", true)]
    public void A_text_follows_the_grammar_or_does_not(string grammar, string text, bool expected) =>
        LarkGrammars.Accepts(grammar, text).Should().Be(expected);

    [Theory]
    [InlineData("INT", "042", "-1")]
    [InlineData("SIGNED_INT", "-7", "1.0")]
    [InlineData("NUMBER", "1.5e-3", "e3")]
    [InlineData("NUMBER", ".5", ".")]
    [InlineData("SIGNED_NUMBER", "+3", "+-3")]
    [InlineData("FLOAT", "1e5", "15")]
    [InlineData("SIGNED_FLOAT", "-1.", "1")]
    [InlineData("DECIMAL", "1.", "1")]
    [InlineData("ESCAPED_STRING", "\"a\\\"b\"", "\"a\"b\"")]
    [InlineData("ESCAPED_STRING", "\"\"", "\"\n\"")]
    [InlineData("WORD", "Word", "w0rd")]
    [InlineData("CNAME", "_a1", "1a")]
    [InlineData("LETTER", "x", "xy")]
    [InlineData("DIGIT", "7", "77")]
    [InlineData("HEXDIGIT", "f", "g")]
    [InlineData("WS", " \n\t", "x")]
    [InlineData("WS_INLINE", " \t", "\n")]
    [InlineData("NEWLINE", "\r\n\n", "\r")]
    [InlineData("C_COMMENT", "/* a * / **/", "/* */ */")]
    [InlineData("CPP_COMMENT", "// x", "/ x")]
    [InlineData("SH_COMMENT", "# x", "# x\n")]
    [InlineData("SQL_COMMENT", "-- x", "- x")]
    [InlineData("LCASE_LETTER", "a", "A")]
    [InlineData("UCASE_LETTER", "A", "a")]
    public void Common_terminals_are_those_of_Lark(string name, string right, string wrong)
    {
        var grammar = LarkGrammars.Compile($"%import common.{name}\nstart: {name}");
        LarkGrammars.Accepts(grammar, right).Should().BeTrue();
        LarkGrammars.Accepts(grammar, wrong).Should().BeFalse();
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("1+2*3", true)]
    [InlineData(" 1 - -2 / (3 + 4.5e1) ", true)]
    [InlineData("1-2-3-4-5+6*7*8/9", true)]
    [InlineData("((((((((((1))))))))))", true)]
    [InlineData("1+", false)]
    [InlineData("(1", false)]
    [InlineData("1)", false)]
    [InlineData("1 2", false)]
    [InlineData("", false)]
    public void Arithmetic_recurs_to_the_left(string text, bool expected)
    {
        LarkGrammars.Accepts(LarkGrammars.Arithmetic, text).Should().Be(expected);
        LarkGrammars.Accepts(LarkGrammars.AmbiguousArithmetic, text).Should().Be(expected);
    }

    [Theory]
    [InlineData("start: a\na: b \"x\" | \"1\"\nb: a \"y\" | \"2\"", "1yx", true)]
    [InlineData("start: a\na: b \"x\" | \"1\"\nb: a \"y\" | \"2\"", "2xyxyx", true)]
    [InlineData("start: a\na: b \"x\" | \"1\"\nb: a \"y\" | \"2\"", "1y", false)]
    [InlineData("start: empty start \"a\" | \"b\"\nempty: \"e\"?", "baa", true)]
    [InlineData("start: empty start \"a\" | \"b\"\nempty: \"e\"?", "eebaa", true)]
    [InlineData("start: empty start \"a\" | \"b\"\nempty: \"e\"?", "eba", true)]
    [InlineData("start: empty start \"a\" | \"b\"\nempty: \"e\"?", "eeba", false)]
    [InlineData("start: start | \"a\"", "a", true)]
    [InlineData("start: a\na: b | \"x\"\nb: a | \"y\"", "y", true)]
    [InlineData("start: start start | \"a\" |", "aaaa", true)]
    [InlineData("start: start start start | \"a\"", "aaa", true)]
    [InlineData("start: start start start | \"a\"", "aaaa", false)]
    [InlineData("start: start? \"a\"", "aaa", true)]
    [InlineData("start: (start \"x\")* \"y\"", "yxyxy", true)]
    public void Rules_may_begin_with_themselves_in_any_way(string grammar, string text, bool expected) =>
        LarkGrammars.Accepts(grammar, text).Should().Be(expected);

    [Theory]
    [InlineData("()", true)]
    [InlineData("(+ 1 (* 2 3))", true)]
    [InlineData("(if (= x \"a b\") () (f x))", true)]
    [InlineData("(+ 1  2)", false)]
    [InlineData("(()", false)]
    [InlineData("x", false)]
    public void S_expressions_are_lists_in_lists(string text, bool expected) =>
        LarkGrammars.Accepts(LarkGrammars.SExpressions, text).Should().Be(expected);

    [Theory]
    [InlineData("SELECT * FROM users;", true)]
    [InlineData("select name, count(*) from u where age >= 18 and not (name like 'A%' or b = 'Bern') order by name desc limit 10;", true)]
    [InlineData("SELECT\n  id\nFROM t\nWHERE a = 1 AND b = 2 AND c = 3 OR d <> 4\n;", true)]
    [InlineData("SELECT FROM users;", false)]
    [InlineData("SELECT * FROM users WHERE;", false)]
    [InlineData("DROP TABLE users;", false)]
    public void Sql_is_what_its_grammar_says(string text, bool expected) =>
        LarkGrammars.Accepts(LarkGrammars.Sql, text).Should().Be(expected);

    [Fact]
    public void Json_in_Lark_is_what_the_reader_of_JSON_reads()
    {
        var grammar = LarkGrammars.Compile(LarkGrammars.Json);
        var random = new Random(1);
        const string Letters = "{}[]\":,\\u0aA1-.+eE tru\nfalsn ";
        string[] seeds =
        [
            """{"a":[1,-2.5e3,true,null,{"b":{}}],"c":"x\u00e9\n"}""", "[[],[[]],0]", "\"\\\\\"", " -0.0 ", "{\"a\" : [ ] }",
        ];
        for (var i = 0; i < LongTests.Cases(5_000, 200_000); i++)
        {
            var text = new StringBuilder(seeds[i % seeds.Length]);
            for (var changes = random.Next(4); changes > 0; changes--)
            {
                var place = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(place, 1),
                    1 => text.Insert(place, Letters[random.Next(Letters.Length)]),
                    _ => text.Replace(text[place], Letters[random.Next(Letters.Length)], place, 1),
                };
            }

            LarkGrammars.Accepts(grammar, text.ToString()).Should().Be(IsJson(text.ToString()), "of '{0}'", text);
        }
    }

    private static bool IsJson(string text)
    {
        try
        {
            JsonDocument.Parse(text).Dispose();
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [Theory]
    [InlineData(LarkGrammars.AmbiguousArithmetic, "1", "+1", 500)]
    [InlineData(LarkGrammars.Arithmetic, "1", "+(1)", 500)]
    [InlineData("start: start start | \"a\"", "a", "a", 500)]
    [InlineData("start: item (\",\" start)?\nitem: \"a\"", "a", ",a", 500)]
    [InlineData("start: \"a\" start | \"a\"", "a", "a", 500)]
    [InlineData(LarkGrammars.Json, "[1", ",[\"a\",{\"b\":1}]", 200)]
    public void What_repeats_comes_back_to_a_state_that_was_there(string grammar, string first, string again, int times)
    {
        var state = LarkGrammars.Compile(grammar).Start().Advance(Encoding.UTF8.GetBytes(first))!;
        var seen = new HashSet<TextState>();
        for (var i = 0; i < times; i++)
        {
            state = state.Advance(Encoding.UTF8.GetBytes(again))!;
            seen.Add(state);
        }

        seen.Count.Should().BeLessThanOrEqualTo(4);
    }

    [Fact]
    public void Readings_that_grow_with_the_text_are_bounded()
    {
        // A palindrome's middle may be anywhere.
        var state = LarkGrammars.Compile("start: \"a\" start \"a\" | \"b\" start \"b\" |").Start();
        for (var i = 0; i < 120; i++)
        {
            state = state.Advance("ab"u8[(i % 3 == 0 ? 0 : 1)..][..1])!;
            state.Should().NotBeNull();
            ((RuleText)state).ThreadCount.Should().BeLessThan(300);
        }
    }

    [Fact]
    public void Rules_wait_for_each_other_up_to_a_depth_where_what_is_open_must_be_closed()
    {
        var grammar = LarkGrammars.Compile("start: \"(\" start \")\" \".\" | \"x\"");
        var depth = Enumerable.Range(1, 1_000).TakeWhile(
            depth => grammar.Start().Advance(Encoding.UTF8.GetBytes(new string('(', depth))) is not null).Last();

        depth.Should().Be(RuleNetwork.MaxDepth);
        LarkGrammars.Accepts(
            grammar, new string('(', depth) + "x" + string.Concat(Enumerable.Repeat(").", depth))).Should().BeTrue();
    }

    [Fact]
    public void What_was_forgotten_is_found_again()
    {
        var network = RuleCompiler.Compile(
            GptOss.Net.StructuredOutput.Lark.LarkParser.Parse(LarkGrammars.Json), TestContext.Current.CancellationToken);
        var small = new RuleAutomaton(network, capacity: 500);
        var text = "{\"a\":[1,{\"b\":[{},{\"c\":\"d\"}]},2],\"e\":[[[[[[[]]]]]]]}"u8;
        for (var times = 0; times < 20; times++)
        {
            small.Start.Advance(text)!.IsAccepting.Should().BeTrue();
        }
    }

    [Fact]
    public void Several_threads_may_follow_texts_at_once()
    {
        var grammar = LarkGrammars.Compile(LarkGrammars.Json);
        Parallel.For(0, 200, i => LarkGrammars.Accepts(
            grammar, string.Concat(Enumerable.Repeat("[{\"a\":", i % 20)) + i + string.Concat(Enumerable.Repeat("}]", i % 20)))
            .Should().BeTrue());
    }
}
