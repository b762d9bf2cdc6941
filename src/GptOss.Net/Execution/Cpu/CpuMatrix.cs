using System.Runtime.InteropServices;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>A weight matrix and its bias in memory, cut into row groups of 32 rows by blocks of 32 columns.</summary>
internal sealed unsafe class CpuMatrix
{
    private readonly byte* _data;

    /// <summary>Allocates a matrix; its bias, and weights that pad it, are zero.</summary>
    /// <param name="memory">Owns the memory.</param>
    /// <param name="kind">How weights are stored.</param>
    /// <param name="rows">Length of the result; padded to whole row groups.</param>
    /// <param name="columns">Length of the input; padded to whole blocks.</param>
    /// <param name="isSparse">Not every row will be filled.</param>
    public CpuMatrix(CpuMemory memory, CpuWeightKind kind, int rows, int columns, bool isSparse = false)
    {
        Kind = kind;
        Groups = RowGroup.Groups(rows);
        Blocks = RowGroup.Blocks(columns);
        GroupBytes = BytesOfGroup(kind, Blocks);
        _data = memory.AllocateUninitialized<byte>(Groups * GroupBytes);
        if (isSparse || rows % RowGroup.Rows != 0 || columns % RowGroup.BlockColumns != 0)
        {
            NativeMemory.Clear(_data, (nuint)(Groups * GroupBytes));
        }

        Bias = memory.Allocate<float>(Groups * RowGroup.Rows);
    }

    public CpuWeightKind Kind { get; }

    public int Groups { get; }

    public int Blocks { get; }

    public nint GroupBytes { get; }

    /// <summary>Gets the bias, <c>[groups · 32]</c>; zeros where the checkpoint has none.</summary>
    public float* Bias { get; }

    /// <summary>Gets the weights of a row group.</summary>
    public byte* Group(int group) => _data + (group * GroupBytes);

    /// <summary>The form of activations that this matrix is fastest with.</summary>
    public ActivationFormat FastInput => Kind switch
    {
        CpuWeightKind.Mxfp4 or CpuWeightKind.Int4 => ActivationFormat.Int8,
        CpuWeightKind.Int8 => ActivationFormat.Int16,
        _ => ActivationFormat.Float32,
    };

    /// <summary>What a matrix and its bias take in memory.</summary>
    public static long BytesOf(CpuWeightKind kind, int rows, int columns) =>
        (long)RowGroup.Groups(rows) * (BytesOfGroup(kind, RowGroup.Blocks(columns)) + (RowGroup.Rows * sizeof(float)));

    private static nint BytesOfGroup(CpuWeightKind kind, int blocks)
    {
        var (values, scales) = kind switch
        {
            CpuWeightKind.Mxfp4 => (Mxfp4Weights.ValueBytes, Mxfp4Weights.ScaleBytes),
            CpuWeightKind.Int4 => (Int4Weights.ValueBytes, Int4Weights.ScaleBytes),
            CpuWeightKind.Int8 => (Int8Weights.ValueBytes, Int8Weights.ScaleBytes),
            CpuWeightKind.Bf16 => (Bf16Weights.ValueBytes, Bf16Weights.ScaleBytes),
            _ => (Float32Weights.ValueBytes, Float32Weights.ScaleBytes),
        };
        return (((nint)blocks * 2 * (values + scales)) + 63) / 64 * 64;
    }

    /// <summary>Multiplies a row group with rows of activations; the bias is not added.</summary>
    /// <param name="format">The form of the activations: <see cref="ActivationFormat.Float32"/> or <see cref="FastInput"/>.</param>
    /// <param name="group">The row group.</param>
    /// <param name="rows">The activations, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 32]</c>.</param>
    public void Multiply(ActivationFormat format, int group, byte** rows, int count, float* sums)
    {
        var weights = Group(group);
        switch (Kind, format)
        {
            case (CpuWeightKind.Mxfp4, ActivationFormat.Int8):
                NibbleInt8Kernel.Multiply<Mxfp4Weights>(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Int4, ActivationFormat.Int8):
                NibbleInt8Kernel.Multiply<Int4Weights>(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Int8, ActivationFormat.Int16):
                Int8Int16Kernel.Multiply(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Mxfp4, ActivationFormat.Float32):
                Float32Kernel.Multiply<Mxfp4Weights>(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Int4, ActivationFormat.Float32):
                Float32Kernel.Multiply<Int4Weights>(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Int8, ActivationFormat.Float32):
                Float32Kernel.Multiply<Int8Weights>(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Bf16, ActivationFormat.Float32):
                Float32Kernel.Multiply<Bf16Weights>(weights, Blocks, rows, count, sums);
                break;
            case (CpuWeightKind.Float32, ActivationFormat.Float32):
                Float32Kernel.Multiply<Float32Weights>(weights, Blocks, rows, count, sums);
                break;
            default:
                throw new ArgumentException($"{Kind} weights take no {format} activations.", nameof(format));
        }
    }
}
