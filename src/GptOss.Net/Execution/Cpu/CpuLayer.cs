namespace GptOss.Net.Execution.Cpu;

/// <summary>The weights of one transformer block in memory.</summary>
internal sealed class CpuLayer
{
    public required CpuVector AttentionNorm { get; init; }

    public required CpuMatrix Query { get; init; }

    public required CpuMatrix Key { get; init; }

    public required CpuMatrix Value { get; init; }

    public required CpuMatrix Output { get; init; }

    /// <summary>Gets one logit for each query head.</summary>
    public required CpuVector Sinks { get; init; }

    public required CpuVector MlpNorm { get; init; }

    public required CpuMatrix Router { get; init; }

    /// <summary>Gets each expert's gates and ups, in turn 16 rows of each.</summary>
    public required CpuMatrix[] GateUp { get; init; }

    public required CpuMatrix[] Down { get; init; }
}
