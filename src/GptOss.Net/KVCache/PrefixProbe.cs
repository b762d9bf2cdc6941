namespace GptOss.Net.KVCache;

/// <summary>What identifies a <see cref="PrefixBlock"/>: the block before it, the salt and its own tokens.</summary>
internal readonly ref struct PrefixProbe
{
    public PrefixProbe(PrefixBlock? parent, string? salt, ReadOnlySpan<int> tokens)
    {
        Parent = parent;
        Salt = salt;
        Tokens = tokens;

        // Seeded per process, so that nobody can choose prompts that collide.
        var hash = default(HashCode);
        hash.Add(parent?.Hash ?? salt?.GetHashCode(StringComparison.Ordinal) ?? 0);
        foreach (var token in tokens)
        {
            hash.Add(token);
        }

        Hash = hash.ToHashCode();
    }

    public PrefixBlock? Parent { get; }

    public string? Salt { get; }

    public ReadOnlySpan<int> Tokens { get; }

    public int Hash { get; }

    /// <summary>Compares everything: equal hashes are not enough to hand out somebody's keys and values.</summary>
    public bool Matches(PrefixBlock block) =>
        Hash == block.Hash
        && ReferenceEquals(Parent, block.Parent)
        && string.Equals(Salt, block.Salt, StringComparison.Ordinal)
        && Tokens.SequenceEqual(block.Tokens);
}
