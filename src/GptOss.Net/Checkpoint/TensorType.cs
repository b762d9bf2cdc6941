namespace GptOss.Net.Checkpoint;

/// <summary>The type of a stored tensor's values.</summary>
internal enum TensorType
{
    Bool,
    U8,
    I8,
    F8E5M2,
    F8E4M3,

    /// <summary>Powers of two: e stands for 2^(e − 127), 255 for NaN. The scales of MXFP4, which are mostly stored as U8.</summary>
    F8E8M0,

    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64,
}
