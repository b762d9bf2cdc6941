using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Sampling;

/// <summary>Which tokens may come next, one bit each. Immutable, so that rows, steps and devices share it by reference.</summary>
internal sealed class TokenBitset
{
    private readonly ulong[] _words;

    /// <summary>
    /// Takes over <paramref name="words"/>: bit t % 64 of word t / 64 stands for token t; tokens beyond are not in the set.
    /// </summary>
    public TokenBitset(ulong[] words)
    {
        _words = words;
        Count = words.Sum(BitOperations.PopCount);
    }

    /// <summary>Gets how many tokens are in the set.</summary>
    public int Count { get; }

    /// <summary>Gets the bits as a device takes them: bit t % 32 of word t / 32 stands for token t.</summary>
    public ReadOnlySpan<uint> Words => MemoryMarshal.Cast<ulong, uint>(_words);

    /// <summary>Whether a token is in the set.</summary>
    public bool Contains(int token) => (uint)token < (uint)_words.Length * 64 && (_words[token >> 6] >> (token & 63) & 1) != 0;

    /// <summary>This set and some more tokens.</summary>
    public TokenBitset With(params ReadOnlySpan<int> tokens)
    {
        var words = _words.AsSpan().ToArray();
        foreach (var token in tokens)
        {
            words[token >> 6] |= 1UL << (token & 63);
        }

        return new TokenBitset(words);
    }

    /// <summary>Sets the logits of all tokens that are not in the set to negative infinity.</summary>
    /// <param name="logits">One logit for each token, from token 0 on.</param>
    public void Apply(Span<float> logits)
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
