namespace DemoModelTrainer.Corpus;

/// <summary>One block of a dialogue file: a small conversation with placeholders.</summary>
/// <param name="Name">Unique name.</param>
/// <param name="Weight">How often it is drawn, relative to the others.</param>
/// <param name="Tables">Prefix and table name of every source of placeholder values.</param>
/// <param name="IsAlone">Whether it must not stand before another conversation, because that one would have to remember it.</param>
/// <param name="UsesWeatherTool">Whether a weather tool is offered.</param>
/// <param name="Formats">Response formats (name, blank, JSON schema) of which one is drawn; empty for none.</param>
/// <param name="Turns">The turns, in order; the last one is learned.</param>
internal sealed record DialogueScript(
    string Name,
    double Weight,
    IReadOnlyList<(string Prefix, string Table)> Tables,
    bool IsAlone,
    bool UsesWeatherTool,
    IReadOnlyList<string> Formats,
    IReadOnlyList<ScriptTurn> Turns)
{
    /// <summary>Gets a value indicating whether the block can stand before another one in a longer conversation.</summary>
    public bool IsPlain => !IsAlone && !UsesWeatherTool && Formats.Count == 0 && Turns.Count == 1;
}
