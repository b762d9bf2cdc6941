using GptOss.Net.Model;

namespace GptOss.Net.Placement;

/// <summary>How many keys and values there must be room for.</summary>
/// <param name="MaxSequences">The sequences that run at once.</param>
/// <param name="MaxModelLength">The tokens of each.</param>
/// <param name="LayerBytes">The bytes of a layer of this kind, for so many sequences of so many tokens.</param>
internal sealed record KVDemand(int MaxSequences, int MaxModelLength, Func<AttentionKind, int, int, long> LayerBytes)
{
    public long BytesOf(AttentionKind kind) => LayerBytes(kind, MaxSequences, MaxModelLength);
}
