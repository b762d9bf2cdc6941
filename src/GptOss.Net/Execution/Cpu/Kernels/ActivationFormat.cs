namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>How a row of activations is stored for a matrix kernel.</summary>
internal enum ActivationFormat
{
    /// <summary>Plain values.</summary>
    Float32,

    /// <summary>Blocks of 32 int16 and their scale: what int8 weights are multiplied with. Nearly exact.</summary>
    Int16,

    /// <summary>Blocks of 32 int8, their scale and their sum: what 4 bit weights are multiplied with.</summary>
    Int8,
}
