using GptOss.Net.Harmony;

namespace GptOss.Net.StructuredOutput;

/// <summary>The bytes of all ordinary tokens as a prefix tree, laid out in depth-first order. Immutable; build one per tokenizer.</summary>
/// <remarks>About 0.4 million nodes and 5 MB.</remarks>
internal sealed class TokenTrie
{
    /// <summary>The number of 64-bit words in a mask.</summary>
    public const int WordCount = (HarmonyTokenizer.VocabularySize + 63) / 64;

    private const int NoToken = -1;

    // All are [node]. A node's descendants are the nodes from the next one up to, not including, _end[node].
    private readonly byte[] _bytes;
    private readonly byte[] _depths;
    private readonly int[] _tokens;
    private readonly int[] _ends;

    private TokenTrie(byte[] bytes, byte[] depths, int[] tokens, int[] ends)
    {
        (_bytes, _depths, _tokens, _ends) = (bytes, depths, tokens, ends);
        LongestToken = depths.Max();
    }

    /// <summary>The number of nodes.</summary>
    public int NodeCount => _bytes.Length;

    /// <summary>The length of the longest token, in bytes.</summary>
    public int LongestToken { get; }

    /// <summary>Builds the tree of all tokens but the control tokens. Takes about a quarter of a second.</summary>
    public static TokenTrie Create(HarmonyTokenizer tokenizer)
    {
        var tokens = new List<(byte[] Bytes, int Token)>(ControlToken.First);
        for (var token = 0; token < ControlToken.First; token++)
        {
            if (tokenizer.TryGetBytes(token, out var bytes))
            {
                tokens.Add((bytes.ToArray(), token));
            }
        }

        tokens.Sort((left, right) => left.Bytes.AsSpan().SequenceCompareTo(right.Bytes));
        return Create(tokens);
    }

    /// <summary>Returns the tokens whose whole text <paramref name="state"/> accepts as a beginning.</summary>
    public ulong[] Walk(TextState state)
    {
        var words = new ulong[WordCount];
        Walk(state, 0, NodeCount, words, leaving: null);
        return words;
    }

    /// <summary>As <see cref="Walk(TextState)"/>, and lists the nodes where the text comes to an end that it must come to.</summary>
    public ulong[] Walk(TextState state, List<int> leaving)
    {
        var words = new ulong[WordCount];
        Walk(state, 0, NodeCount, words, leaving);
        return words;
    }

    /// <summary>Adds the tokens that leave an inner state and are accepted by the state that follows it.</summary>
    /// <param name="outer">The state at each of the nodes.</param>
    /// <param name="leaving">The nodes at which the inner state ended.</param>
    /// <param name="words">The mask to add to.</param>
    public void WalkOn(TextState outer, ReadOnlySpan<int> leaving, ulong[] words)
    {
        foreach (var node in leaving)
        {
            Walk(outer, node + 1, _ends[node], words, leaving: null);
        }
    }

    private void Walk(TextState state, int first, int end, ulong[] words, List<int>? leaving)
    {
        if (first >= end)
        {
            return;
        }

        var path = new TextState[LongestToken + 1];
        path[_depths[first] - 1] = state;
        for (var node = first; node < end;)
        {
            var depth = _depths[node];
            var advanced = path[depth - 1].Advance(_bytes[node]);
            if (advanced is null)
            {
                node = _ends[node];
                continue;
            }

            path[depth] = advanced;
            if (_tokens[node] is var token && token != NoToken)
            {
                words[token >> 6] |= 1UL << (token & 63);
            }

            if (leaving is not null && advanced.MustEnd)
            {
                leaving.Add(node);
                node = _ends[node];
            }
            else
            {
                node++;
            }
        }
    }

    private static TokenTrie Create(List<(byte[] Bytes, int Token)> sorted)
    {
        var bytes = new List<byte>();
        var depths = new List<byte>();
        var tokens = new List<int>();
        var open = new Stack<int>();
        var ends = new List<int>();
        ReadOnlySpan<byte> previous = [];
        foreach (var (text, token) in sorted)
        {
            var shared = previous.CommonPrefixLength(text);
            Close(shared);
            for (var depth = shared; depth < text.Length; depth++)
            {
                open.Push(bytes.Count);
                bytes.Add(text[depth]);
                depths.Add(checked((byte)(depth + 1)));
                tokens.Add(depth == text.Length - 1 ? token : NoToken);
                ends.Add(0);
            }

            previous = text;
        }

        Close(0);
        return new TokenTrie([.. bytes], [.. depths], [.. tokens], [.. ends]);

        void Close(int remaining)
        {
            while (open.Count > remaining)
            {
                ends[open.Pop()] = bytes.Count;
            }
        }
    }
}
