namespace DemoModelTrainer.Corpus;

/// <summary>One step of a scripted turn after the user's line.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Alternatives">Templates of which one is drawn; an analysis has its short form here.</param>
/// <param name="Detailed">The analysis at high effort.</param>
internal sealed record ScriptStep(StepKind Kind, IReadOnlyList<string> Alternatives, string? Detailed = null);
