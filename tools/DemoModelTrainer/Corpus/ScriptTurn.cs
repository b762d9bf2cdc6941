namespace DemoModelTrainer.Corpus;

/// <summary>A user's line in several phrasings and what follows it.</summary>
/// <param name="Phrasings">Templates to train on.</param>
/// <param name="HeldOut">Templates only asked in the evaluation.</param>
/// <param name="Steps">The model's messages and the tool's results, in order.</param>
internal sealed record ScriptTurn(
    IReadOnlyList<string> Phrasings,
    IReadOnlyList<string> HeldOut,
    IReadOnlyList<ScriptStep> Steps);
