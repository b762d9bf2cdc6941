using System.Diagnostics;
using System.Text;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>The token masks of texts that follow a grammar in Lark's notation.</summary>
public sealed class LarkMaskTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(LarkGrammars.Arithmetic, "(1 + ")]
    [InlineData(LarkGrammars.Sql, "SELECT na")]
    [InlineData(LarkGrammars.Json, "{\"a\":\"some te")]
    [InlineData(LarkGrammars.Json, "{\"a\":[1")]
    [InlineData("start: /\\p{L}+/ (\" \" /[ж-щ]+/)*", "Ende ")]
    public void A_mask_holds_exactly_the_tokens_that_may_follow(string grammar, string text)
    {
        var state = LarkGrammars.Compile(grammar).Start().Advance(Encoding.UTF8.GetBytes(text))!;
        var mask = new TokenMaskCache(Vocabulary.Trie).GetMask(state);
        mask.Count.Should().BePositive();
        TokenMaskCacheTests.ShouldHoldWhatTheStateAccepts(mask, state);
    }

    [Fact]
    public void Texts_that_may_go_on_alike_share_a_mask()
    {
        var start = LarkGrammars.Compile(LarkGrammars.Json).Start();
        start.Advance("[[1,\"a\",{\"x\":"u8).Should().BeSameAs(start.Advance("[ [{}, {\"y\": 1, \"zz\" :"u8));
        start.Advance("{\"x\":\"some"u8).Should().BeSameAs(start.Advance("{\"y\":[1],\"z\" : \"othe"u8));
    }

    [Fact]
    public void Costs_are_reported()
    {
        Assert.SkipUnless(LongTests.Enabled, "Set GPTOSS_LONG_TESTS=1 to measure.");
        Report("JSON", LarkGrammars.Json, "", "{", "{\"a\":\"some", "{\"a\":{\"b\":\"some", "{\"a\":", "{\"a\":1", "{\"a\":\"x\"");
        Report("SQL", LarkGrammars.Sql, "", "SELECT ", "SELECT na", "SELECT name FROM users WHERE ", "SELECT * FROM t WHERE x = 'so");
        Report("arithmetic", LarkGrammars.Arithmetic, "", "(1", "(1 + ");
    }

    private void Report(string name, string grammar, params ReadOnlySpan<string> texts)
    {
        foreach (var text in texts)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            var cold = Enumerable.Range(0, 5).Select(_ =>
            {
                var state = LarkGrammars.Compile(grammar).Start().Advance(bytes)!;
                return Time(1, () => new TokenMaskCache(Vocabulary.Trie).GetMask(state));
            }).Order().ElementAt(2);
            var known = LarkGrammars.Compile(grammar).Start();
            var again = Time(10, () => new TokenMaskCache(Vocabulary.Trie).GetMask(known.Advance(bytes)!));
            var masks = new TokenMaskCache(Vocabulary.Trie);
            var look = Time(2_000, () => masks.GetMask(known.Advance(bytes)!));
            output.WriteLine(
                $"{name,-12} {text,-32} {masks.GetMask(known.Advance(bytes)!).Count,7} allowed: "
                + $"cold {cold:F0} us, states known {again:F0} us, look up {look:F2} us");
        }

        output.WriteLine($"{name}: compiled in {Time(5, () => LarkGrammars.Compile(grammar)):F0} us");
    }

    private static double Time(int times, Action action)
    {
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < times; i++)
        {
            action();
        }

        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / times;
    }
}
