using System.Collections.Immutable;

namespace GptOss.Net.Checkpoint;

/// <summary>One tensor as a safetensors header describes it.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Type">The type of its values.</param>
/// <param name="Shape">Its dimensions, the slowest first.</param>
/// <param name="Begin">Where it begins, in bytes from the start of the data section.</param>
/// <param name="End">Where it ends: the first byte that is not part of it.</param>
internal sealed record TensorEntry(string Name, TensorType Type, ImmutableArray<long> Shape, long Begin, long End);
