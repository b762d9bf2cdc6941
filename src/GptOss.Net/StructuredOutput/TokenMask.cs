using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using GptOss.Net.Harmony;

namespace GptOss.Net.StructuredOutput;

/// <summary>The tokens that may come next, one bit each. Immutable; control tokens are never in it.</summary>
internal sealed class TokenMask
{
    /// <summary>The number of 64-bit words in a mask.</summary>
    public const int WordCount = (HarmonyTokenizer.VocabularySize + 63) / 64;

    private readonly ulong[] _words;

    /// <summary>Takes over <paramref name="words"/>: bit t % 64 of word t / 64 stands for token t.</summary>
    public TokenMask(ulong[] words)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(words.Length, WordCount);
        _words = words;
        Count = words.Sum(BitOperations.PopCount);
    }

    /// <summary>How many tokens are allowed.</summary>
    public int Count { get; }

    /// <summary>The bits of the mask.</summary>
    public ReadOnlySpan<ulong> Words => _words;

    /// <summary>Whether a token is allowed.</summary>
    public bool Contains(int token) => (uint)token < HarmonyTokenizer.VocabularySize && (_words[token >> 6] >> (token & 63) & 1) != 0;

    /// <summary>Sets the logits of all tokens that are neither in this mask nor in <paramref name="alsoAllowed"/> to negative infinity.</summary>
    /// <param name="logits">One logit for each token, from token 0 on.</param>
    /// <param name="alsoAllowed">A few more tokens, such as the control tokens that end the text.</param>
    public void Apply(Span<float> logits, params ReadOnlySpan<int> alsoAllowed)
    {
        Span<float> kept = stackalloc float[alsoAllowed.Length];
        for (var i = 0; i < kept.Length; i++)
        {
            kept[i] = logits[alsoAllowed[i]];
        }

        Apply(logits);
        for (var i = 0; i < kept.Length; i++)
        {
            logits[alsoAllowed[i]] = kept[i];
        }
    }

    private void Apply(Span<float> logits)
    {
        var word = 0;
        for (; word < _words.Length && (word + 1) * 64 <= logits.Length; word++)
        {
            ApplyWord(_words[word], logits.Slice(word * 64, 64));
        }

        for (var token = word * 64; token < logits.Length; token++)
        {
            if (!Contains(token))
            {
                logits[token] = float.NegativeInfinity;
            }
        }
    }

    private static void ApplyWord(ulong bits, Span<float> logits)
    {
        if (bits == 0)
        {
            logits.Fill(float.NegativeInfinity);
        }
        else if (bits != ulong.MaxValue)
        {
            var lanes = MemoryMarshal.Cast<float, Vector256<float>>(logits);
            var laneBits = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
            var forbidden = Vector256.Create(float.NegativeInfinity);
            for (var lane = 0; lane < lanes.Length; lane++, bits >>= 8)
            {
                var isForbidden = Vector256.Equals(Vector256.Create((int)(bits & 0xFF)) & laneBits, Vector256<int>.Zero);
                lanes[lane] = Vector256.ConditionalSelect(isForbidden.AsSingle(), forbidden, lanes[lane]);
            }
        }
    }
}
