namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>How a checkpoint stores what <see cref="PackKernels"/> reads.</summary>
internal enum SourceFormat
{
    Bf16,
    F16,
    F32,
    Mxfp4,
    Awq,
}
