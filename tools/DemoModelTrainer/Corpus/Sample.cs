using GptOss.Net.Harmony;

namespace DemoModelTrainer.Corpus;

/// <summary>A conversation drawn from the scripts.</summary>
/// <param name="Script">Name of the script that gave its last turn.</param>
/// <param name="Effort">What the system message asks for.</param>
/// <param name="HasShortSystem">Whether the system message holds only the date and the effort: saves time in training.</param>
/// <param name="Date">The system message's current date, or <see langword="null"/> for none.</param>
/// <param name="Instructions">The developer message's instructions, or <see langword="null"/> for none.</param>
/// <param name="Tool">The tool offered, or <see langword="null"/> for none.</param>
/// <param name="Format">Name and JSON schema of the response format, or <see langword="null"/> for none.</param>
/// <param name="Lines">The messages, in order.</param>
/// <param name="FirstLearned">Index of the first line from which the model learns; only its own lines count.</param>
internal sealed record Sample(
    string Script,
    ReasoningEffort Effort,
    bool HasShortSystem,
    DateOnly? Date,
    string? Instructions,
    WeatherTool? Tool,
    string? Format,
    IReadOnlyList<SampleLine> Lines,
    int FirstLearned);
