using System.Runtime.InteropServices;
using GptOss.Net.KVCache;

namespace GptOss.Net.Scheduling;

/// <summary>One generation in flight, as the scheduler sees it: its tokens and its place in the cache.</summary>
/// <param name="prompt">The tokens given, at least one; copied.</param>
/// <param name="cacheSalt">Only sequences with the same salt share what was computed.</param>
internal sealed class Sequence(ReadOnlySpan<int> prompt, string? cacheSalt = null)
{
    private readonly List<int> _tokens = [.. prompt];

    /// <summary>Gets the prompt and what was generated so far.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>Gets the tokens, valid until the next one is appended.</summary>
    public ReadOnlySpan<int> TokenSpan => CollectionsMarshal.AsSpan(_tokens);

    public int PromptLength { get; } = prompt.Length;

    /// <summary>Gets a value indicating whether the logits of every token are wanted, not only of the last.</summary>
    public bool WantsAllLogits { get; init; }

    /// <summary>Gets its place in the queue: the lower goes first, equal ones in the order in which they came.</summary>
    public long Rank { get; init; }

    /// <summary>Gets how urgent it is: of those with a higher one, prompts that come later go before it too.</summary>
    public int Priority { get; init; }

    /// <summary>Gets how many sequences came before it.</summary>
    public long Arrival { get; internal set; }

    public SequenceStatus Status { get; internal set; } = SequenceStatus.New;

    /// <summary>Gets a value indicating whether a step computes it at this moment, so that its blocks must stay as they are.</summary>
    public bool IsInFlight => StepsInFlight > 0;

    /// <summary>Gets how many steps in flight compute it: one, or more where steps run ahead of what is read.</summary>
    public int StepsInFlight { get; internal set; }

    /// <summary>Gets how many of its tokens these compute.</summary>
    public int TokensInFlight { get; internal set; }

    /// <summary>Gets how many of the steps in flight, the oldest ones, compute what is not wanted.</summary>
    public int StepsToDiscard { get; internal set; }

    /// <summary>Gets a value indicating whether its last step to end computed what is not wanted.</summary>
    public bool IsDiscarded { get; internal set; }

    /// <summary>Gets or sets the row of its newest step that samples its next token.</summary>
    public int LastRow { get; set; }

    /// <summary>Gets how many tokens of the prompt were in the cache when it began to run; <see langword="null"/> before.</summary>
    public int? CachedTokens { get; internal set; }

    /// <summary>Gets the blocks that hold the sequence; empty unless it runs.</summary>
    public SequenceBlocks Blocks { get; } = new() { CacheSalt = cacheSalt, PromptLength = prompt.Length };

    /// <summary>Gets how many tokens still have to be computed: 1 when decoding, more when prefilling.</summary>
    public int PendingTokens => _tokens.Count - Blocks.ComputedTokens;

    /// <summary>Gets how many of its tokens the cache had when it began to wait; 0 unless it waits.</summary>
    public int KnownTokens { get; internal set; }

    /// <summary>Gets how many tokens have to be computed before its next one can be sampled, as far as is known.</summary>
    public int Work => PendingTokens - KnownTokens;

    /// <summary>Gets the number of the last step that it took part in.</summary>
    public long LastStep { get; internal set; }

    /// <summary>Appends a sampled token, which the next step computes.</summary>
    public void Append(int token) => _tokens.Add(token);
}
