using GptOss.Net.Model;

namespace GptOss.Net.KVCache;

/// <summary>A block to copy, in every layer of a kind on every device, before the next step runs.</summary>
internal readonly record struct BlockCopy(AttentionKind Kind, int Source, int Destination);
