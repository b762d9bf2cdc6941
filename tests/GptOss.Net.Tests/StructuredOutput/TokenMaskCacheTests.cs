using System.Diagnostics;
using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

public sealed class TokenMaskCacheTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("""{"type":"object"}""", "{\"a")]
    [InlineData("""{"type":"object"}""", "{\"a\":\"some te")]
    [InlineData("""{"type":"object"}""", "{\"a\":[\"\\")]
    [InlineData("""{"type":"string","maxLength":5}""", "\"ab")]
    [InlineData("""{"type":"string","minLength":300}""", "\"ab")]
    [InlineData("""{"type":"array","items":{"type":"string","pattern":"^é?[a-z ]+$"}}""", "[\"ab")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":1200}""", "1")]
    [InlineData("""{"type":"object","properties":{"name":{},"names":{}},"additionalProperties":{"type":"integer"}}""", "{\"na")]
    [InlineData("""{"enum":["red","green","blue"]}""", "\"")]
    public void A_mask_holds_exactly_the_tokens_that_the_state_accepts(string schema, string text)
    {
        var state = Schemas.Compile(schema).Start().Advance(System.Text.Encoding.UTF8.GetBytes(text))!;
        ShouldHoldWhatTheStateAccepts(new TokenMaskCache(Vocabulary.Trie).GetMask(state), state);
    }

    internal static void ShouldHoldWhatTheStateAccepts(TokenBitset mask, TextState state)
    {
        for (var token = 0; token < HarmonyTokenizer.VocabularySize; token++)
        {
            var expected = !ControlToken.IsControl(token) && state.Advance(Vocabulary.Tokenizer.GetBytes(token)) is not null;
            if (mask.Contains(token) != expected)
            {
                Assert.Fail($"Token {token} '{Vocabulary.Tokenizer.Decode([token])}' should be {(expected ? "allowed" : "forbidden")}.");
            }
        }
    }

    [Fact]
    public void Every_byte_is_a_token_so_no_state_is_a_dead_end_for_tokens()
    {
        var bytes = Enumerable.Range(0, ControlToken.First)
            .Where(token => Vocabulary.Tokenizer.TryGetBytes(token, out var text) && text.Length == 1);
        bytes.Should().HaveCount(256);
    }

    [Fact]
    public void A_mask_forbids_all_other_tokens_and_leaves_the_rest_alone()
    {
        var mask = Vocabulary.Masks.GetMask(Schemas.Compile("""{"enum":["red","green"]}""").Start().Advance("\""u8)!, ControlToken.Return);
        var logits = new float[HarmonyTokenizer.VocabularySize];
        for (var i = 0; i < logits.Length; i++)
        {
            logits[i] = i;
        }

        mask.Apply(logits);

        for (var i = 0; i < logits.Length; i++)
        {
            if (logits[i] != (mask.Contains(i) ? i : float.NegativeInfinity))
            {
                Assert.Fail($"Logit {i} is {logits[i]}.");
            }
        }

        mask.Count.Should().BeInRange(2, 20);
        mask.Contains(ControlToken.Return).Should().BeTrue();
        (mask.Words[ControlToken.Return / 32] >> (ControlToken.Return % 32) & 1).Should().Be(1u);
    }

    [Fact]
    public void Equal_states_share_a_mask()
    {
        var first = Schemas.Compile("""{"type":"string"}""").Start().Advance("\"abc"u8)!;
        var second = Schemas.Compile("""{"type":"string","description":"other"}""").Start().Advance("\"x\\n"u8)!;
        Vocabulary.Masks.GetMask(second).Should().BeSameAs(Vocabulary.Masks.GetMask(first));
        Vocabulary.Masks.GetMask(second, ControlToken.Call).Should().BeSameAs(Vocabulary.Masks.GetMask(first, ControlToken.Call))
            .And.NotBeSameAs(Vocabulary.Masks.GetMask(first));
    }

    [Fact]
    public void The_cache_keeps_to_its_bound()
    {
        const long Capacity = 1 << 20;
        var masks = new TokenMaskCache(Vocabulary.Trie, Capacity);
        TextState state = Schemas.Compile("""{"type":"string","minLength":240}""").Start().Advance("\""u8)!;
        for (var i = 0; i < 200; i++)
        {
            masks.GetMask(state.Advance(System.Text.Encoding.UTF8.GetBytes(new string('a', i + 1)))!).Count.Should().BePositive();
            masks.Size.Should().BeLessThanOrEqualTo(Capacity);
        }
    }

    [Fact]
    public void Several_threads_may_ask_at_once()
    {
        var masks = new TokenMaskCache(Vocabulary.Trie, 1 << 20);
        var start = Schemas.Compile("""{"type":"string","minLength":240}""").Start().Advance("\""u8)!;
        Parallel.For(
            0, 400,
            i => masks.GetMask(start.Advance(System.Text.Encoding.UTF8.GetBytes(new string('a', (i % 60) + 1)))!).Count.Should()
                .BePositive());
    }

    [Fact]
    public void Costs_are_reported()
    {
        Assert.SkipUnless(LongTests.Enabled, "Set GPTOSS_LONG_TESTS=1 to measure.");
        var logits = new float[HarmonyTokenizer.VocabularySize];
        var root = JsonSchemaGrammar.AnyObject.Start();
        foreach (var text in new[] { "", "{", "{\"a\":\"some", "{\"a\":{\"b\":\"some", "{\"a\":", "{\"a\":1", "{\"a\":\"x\"" })
        {
            var state = root.Advance(System.Text.Encoding.UTF8.GetBytes(text))!;
            new TokenMaskCache(Vocabulary.Trie).GetMask(state);
            var cold = Time(20, () => new TokenMaskCache(Vocabulary.Trie).GetMask(state));
            var masks = new TokenMaskCache(Vocabulary.Trie);
            masks.GetMask(root.Advance("{\"z\":[[\"other"u8)!);
            var started = Stopwatch.GetTimestamp();
            masks.GetMask(state);
            var shared = Stopwatch.GetElapsedTime(started).TotalMicroseconds;
            var look = Time(2_000, () => masks.GetMask(root.Advance(System.Text.Encoding.UTF8.GetBytes(text))!));
            var apply = Time(2_000, () => masks.GetMask(state).Apply(logits));
            output.WriteLine(
                $"{text,-20} {masks.GetMask(state).Count,7} allowed: cold {cold:F0} us, with the inner mask known {shared:F0} us, "
                + $"look up {look:F2} us, look up and apply {apply:F1} us");
        }

        output.WriteLine(
            $"{Vocabulary.Trie.NodeCount} nodes, longest token {Vocabulary.Trie.LongestToken} bytes; "
            + $"trie built in {Time(3, () => TokenTrie.Create(Vocabulary.Tokenizer)):F0} us");
    }

    private static double Time(int times, Action action)
    {
        for (var i = 0; i < times / 2; i++)
        {
            action();
        }

        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < times; i++)
        {
            action();
        }

        return Stopwatch.GetElapsedTime(started).TotalMicroseconds / times;
    }
}
