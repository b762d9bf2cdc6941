namespace GptOss.Net.Model;

/// <summary>Rotary position embedding with YaRN scaling; the names are those of config.json's <c>rope_parameters</c>.</summary>
internal sealed record YarnParameters
{
    public required double Theta { get; init; }

    public double Factor { get; init; } = 1;

    public double BetaFast { get; init; } = 32;

    public double BetaSlow { get; init; } = 1;

    public int OriginalMaxPositions { get; init; } = 4096;

    /// <summary>Gets a value indicating whether the ramp's bounds are rounded to whole dimensions (gpt-oss: no).</summary>
    public bool Truncate { get; init; }
}
