using GptOss.Net.Harmony;

namespace DemoModelTrainer.Corpus;

/// <summary>How a conversation is drawn.</summary>
internal sealed record SampleOptions
{
    /// <summary>Gets how phrasings are drawn in training: varied, with history and stray words.</summary>
    public static SampleOptions Training { get; } = new() { IsTraining = true };

    /// <summary>Gets the options of the evaluation on lines that were trained on.</summary>
    public static SampleOptions Plain { get; } = new();

    /// <summary>Gets the options of the evaluation on phrasings kept out of training.</summary>
    public static SampleOptions HeldOut { get; } = new() { UsesHeldOut = true };

    /// <summary>Gets a value indicating whether phrasings vary and earlier turns are put before the scripted ones.</summary>
    public bool IsTraining { get; init; }

    public bool UsesHeldOut { get; init; }

    /// <summary>Gets the effort, or <see langword="null"/> to draw it.</summary>
    public ReasoningEffort? Effort { get; init; }
}
