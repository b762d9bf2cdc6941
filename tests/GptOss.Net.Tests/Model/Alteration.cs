namespace GptOss.Net.Tests.Model;

/// <summary>One way to change a checkpoint.</summary>
/// <param name="Name">For messages.</param>
/// <param name="AppliesTo">To which checkpoints it can be done, after the alterations before it.</param>
/// <param name="Apply">
/// Does it; returns what the refusal must name (a tensor or a part of the message), or <see langword="null"/> where the logits stay.
/// </param>
internal sealed record Alteration(string Name, Func<CheckpointDraft, bool> AppliesTo, Func<CheckpointDraft, Random, string?> Apply);
