namespace DemoModelTrainer.Corpus;

/// <summary>What one line of a dialogue is.</summary>
internal enum StepKind
{
    /// <summary>Said by the user.</summary>
    User,

    /// <summary>The model's notes: an assistant message on the analysis channel.</summary>
    Analysis,

    /// <summary>Arguments of a tool call.</summary>
    Call,

    /// <summary>What the tool answered.</summary>
    Result,

    /// <summary>The model's answer: an assistant message on the final channel.</summary>
    Final,
}
