using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>One generation in flight, as the scheduler sees it: its tokens and its place in the cache.</summary>
/// <param name="prompt">The tokens given; copied.</param>
internal sealed class Sequence(ReadOnlySpan<int> prompt)
{
    private readonly List<int> _tokens = [.. prompt];

    /// <summary>Gets the prompt and what was generated so far.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    public int PromptLength { get; } = prompt.Length;

    /// <summary>Gets a value indicating whether the logits of every token are wanted, not only of the last.</summary>
    public bool WantsAllLogits { get; init; }

    public SequenceStatus Status { get; internal set; } = SequenceStatus.Waiting;

    /// <summary>Gets the blocks that hold the sequence; empty unless it runs.</summary>
    public SequenceBlocks Blocks { get; } = new();

    /// <summary>Gets how many tokens still have to be computed: 1 when decoding, more when prefilling.</summary>
    public int PendingTokens => _tokens.Count - Blocks.ComputedTokens;

    /// <summary>Appends a sampled token, which the next step computes.</summary>
    public void Append(int token) => _tokens.Add(token);
}
