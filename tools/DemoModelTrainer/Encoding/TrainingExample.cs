namespace DemoModelTrainer.Encoding;

/// <summary>A rendered conversation.</summary>
/// <param name="Tokens">Token ids of the real vocabulary.</param>
/// <param name="IsLearned">Whether the model learns to write each token.</param>
internal sealed record TrainingExample(int[] Tokens, bool[] IsLearned)
{
    /// <summary>Gets how many tokens are learned.</summary>
    public int LearnedCount { get; } = IsLearned.Count(learned => learned);

    /// <summary>Gets the tokens up to where the model starts to write.</summary>
    public int[] Prompt => Tokens[..Array.IndexOf(IsLearned, value: true)];
}
