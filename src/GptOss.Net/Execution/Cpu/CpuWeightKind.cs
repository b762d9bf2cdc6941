namespace GptOss.Net.Execution.Cpu;

/// <summary>How a <see cref="CpuMatrix"/> stores its weights; each is a format in Kernels.</summary>
internal enum CpuWeightKind
{
    Mxfp4,
    Int4,
    Int8,
    Bf16,
    Float32,
}
