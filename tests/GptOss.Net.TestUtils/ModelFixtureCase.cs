namespace GptOss.Net.TestUtils;

/// <summary>A prompt and what the official implementation makes of it.</summary>
/// <param name="InputIds">The prompt.</param>
/// <param name="Greedy">The 32 most probable next tokens, one after the other.</param>
/// <param name="Logits">float32 <c>[tokens, vocabulary]</c>.</param>
/// <param name="BFloat16Logits">The same, computed in bfloat16.</param>
internal sealed record ModelFixtureCase(int[] InputIds, int[] Greedy, float[] Logits, float[]? BFloat16Logits);
