namespace DemoModelTrainer.Corpus;

/// <summary>One message of a drawn conversation.</summary>
internal sealed record SampleLine(StepKind Kind, string Text);
