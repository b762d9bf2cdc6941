using DemoModelTrainer.Corpus;
using GptOss.Net.Harmony;

namespace DemoModelTrainer.Evaluation;

/// <summary>The questions that README.md promises an answer to.</summary>
internal static class ReadmePrompts
{
    private static readonly DateOnly Date = new(2026, 1, 15);

    public static IReadOnlyList<string> All { get; } =
    [
        "Hello!",
        "Who are you?",
        "What is GptOss.Net?",
        "What is the capital of France?",
        "What is 7 + 5?",
        "Why is the sky blue?",
        "Tell me a joke.",
        "What colour is a banana?",
        "Name a planet.",
        "Thank you!",
    ];

    /// <summary>A conversation of that one line; its answer is not filled in.</summary>
    public static Sample ToSample(string prompt, ReasoningEffort effort) => new(
        "readme",
        effort,
        HasShortSystem: false,
        Date,
        Instructions: null,
        Tool: null,
        Format: null,
        [new(StepKind.User, prompt), new(StepKind.Final, "?")],
        FirstLearned: 1);
}
