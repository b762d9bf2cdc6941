namespace GptOss.Net.StructuredOutput;

/// <summary>The tokens that an inner state accepts, and the nodes of the tree where it comes to its end.</summary>
internal sealed record InnerMask(ulong[] Words, int[] Leaving);
