namespace DemoModelTrainer.Training;

/// <summary>The shape of gpt-oss-nano: gpt-oss in small. The rotary constants are those of gpt-oss-20b.</summary>
internal sealed record NanoConfig
{
    public int HiddenSize { get; init; } = 128;

    public int IntermediateSize { get; init; } = 128;

    public int LayerCount { get; init; } = 4;

    public int HeadCount { get; init; } = 8;

    public int KVHeadCount { get; init; } = 2;

    public int HeadDim { get; init; } = 32;

    public int ExpertCount { get; init; } = 8;

    public int ExpertsPerToken { get; init; } = 2;

    public int SlidingWindow { get; init; } = 64;

    public double RopeTheta { get; init; } = 150_000;

    public double RopeFactor { get; init; } = 32;

    public double RopeBetaFast { get; init; } = 32;

    public double RopeBetaSlow { get; init; } = 1;

    public int OriginalMaxPositions { get; init; } = 4096;

    public double RmsNormEpsilon { get; init; } = 1e-5;

    public double SwiGluLimit { get; init; } = 7;

    public int QuerySize => HeadCount * HeadDim;

    public int KVSize => KVHeadCount * HeadDim;

    public static bool IsSliding(int layer) => layer % 2 == 0;
}
