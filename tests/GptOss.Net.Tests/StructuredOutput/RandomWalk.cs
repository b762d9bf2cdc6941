using System.Numerics;
using System.Text;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Answers as a model without any sense would give them: legal tokens at random, with some hurry to end.</summary>
internal static class RandomWalk
{
    private const int Patience = 60;
    private const int MaxTokens = 20_000;

    // Tokens that tend to bring a JSON text to its end.
    private static readonly int[] Closing = [.. new[] { "\"", "y", "x", "b", "}", "]", "\"}", "\"]", ".", ":", "0", "1", "null", ",", "a" }.SelectMany(text => Vocabulary.Tokenizer.Encode(text))];

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
