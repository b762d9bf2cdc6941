using System.Numerics;
using System.Text;
using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Answers as a model without any sense would give them: legal tokens at random, with some hurry to end.</summary>
internal static class RandomWalk
{
    private const int Patience = 60;
    private const int MaxTokens = 20_000;

    // Tokens that tend to bring a JSON text to its end.
    private static readonly int[] Closing = [.. new[]
    {
        "\"", "y", "x", "b", "}", "]", "\"}", "\"]", ".", "@", "Z", "p", ":", "0", "1", "null", ",", "a",
    }.SelectMany(text => Vocabulary.Tokenizer.Encode(text))];

    public static string Run(JsonSchemaGrammar grammar, Random random)
    {
        using var bytes = new MemoryStream();
        var text = new ConstrainedText(grammar.Start(), Vocabulary.Masks, Vocabulary.Tokenizer);
        for (var count = 0; !text.MustEnd && !(text.MayEnd && random.Next(4) == 0); count++)
        {
            if (text.Allowed.Count == 0 || count == MaxTokens)
            {
                Assert.Fail($"Legal after {count} tokens: {text.Allowed.Count}. The text: {Encoding.UTF8.GetString(bytes.ToArray())}");
            }

            var token = Choose(text.Allowed, random, inHurry: count > Patience);
            text.TryAccept(token).Should().BeTrue();
            bytes.Write(Vocabulary.Tokenizer.GetBytes(token));
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>The same without masks, hundreds of times faster: texts of tokens that the grammar lets follow.</summary>
    public static string RunUnmasked(JsonSchemaGrammar grammar, Random random)
    {
        using var bytes = new MemoryStream();
        var state = grammar.Start();
        for (var count = 0; !(state.IsAccepting && random.Next(4) == 0); count++)
        {
            if (Follow(state, random, inHurry: count > Patience) is not { } text)
            {
                state.IsAccepting.Should().BeTrue("something may follow '{0}'", Encoding.UTF8.GetString(bytes.ToArray()));
                break;
            }

            count.Should().BeLessThan(MaxTokens);
            state = state.Advance(text)!;
            bytes.Write(text);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    // One of any token, one that closes, or any byte.
    private static byte[]? Follow(TextState state, Random random, bool inHurry)
    {
        if (random.Next(inHurry ? 10 : 3) == 0
            && Enumerable.Range(0, 8).Select(_ => Text(random.Next(ControlToken.First)))
                .FirstOrDefault(text => state.Advance(text) is not null) is { } any)
        {
            return any;
        }

        var closing = Closing.Select(Text).Where(text => state.Advance(text) is not null).ToArray();
        var single = random.Next(256);
        return closing.Length > 0
            ? closing[inHurry ? Math.Min(random.Next(closing.Length), random.Next(closing.Length)) : random.Next(closing.Length)]
            : Enumerable.Range(0, 256).Select(i => new[] { (byte)(single + i) }).FirstOrDefault(text => state.Advance(text) is not null);
    }

    private static byte[] Text(int token) => Vocabulary.Tokenizer.GetBytes(token).ToArray();

    private static int Choose(TokenBitset allowed, Random random, bool inHurry)
    {
        if (random.Next(inHurry ? 10 : 3) != 0)
        {
            var closing = Closing.Where(allowed.Contains).ToArray();
            if (closing.Length > 0)
            {
                var index = random.Next(closing.Length);
                return closing[inHurry ? Math.Min(index, random.Next(closing.Length)) : index];
            }
        }

        return Pick(allowed, random.Next(allowed.Count));
    }

    private static int Pick(TokenBitset allowed, int index)
    {
        for (var word = 0; ; word++)
        {
            var bits = allowed.Words[word];
            var count = BitOperations.PopCount(bits);
            if (index >= count)
            {
                index -= count;
                continue;
            }

            for (; index > 0; index--)
            {
                bits &= bits - 1;
            }

            return (word * 32) + BitOperations.TrailingZeroCount(bits);
        }
    }
}
