namespace GptOss.Net.Harmony;

/// <summary>Options of a <see cref="HarmonyRenderer"/>.</summary>
public sealed class HarmonyRendererOptions
{
    /// <summary>How tool schemas are written.</summary>
    /// <value>Default <see cref="SchemaRendering.Enriched"/>.</value>
    public SchemaRendering SchemaRendering { get; init; } = SchemaRendering.Enriched;

    /// <summary>Which earlier reasoning is repeated.</summary>
    /// <value>Default <see cref="AnalysisHistory.CurrentTurn"/>.</value>
    public AnalysisHistory AnalysisHistory { get; init; } = AnalysisHistory.CurrentTurn;
}
