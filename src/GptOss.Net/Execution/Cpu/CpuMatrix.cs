using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>A weight matrix and its bias in memory, cut into row groups of 32 rows by blocks of 32 columns.</summary>
internal sealed unsafe class CpuMatrix
{
    private readonly byte* _data;

    /// <summary>Allocates a matrix; its bias, and weights that pad it, are zero until something fills them.</summary>
    /// <param name="memory">Owns the memory.</param>
    /// <param name="format">How weights are stored.</param>
    /// <param name="rows">Length of the result; padded to whole row groups.</param>
    /// <param name="columns">Length of the input; padded to whole blocks.</param>
    /// <param name="isSparse">Not every row will be filled.</param>
    public CpuMatrix(CpuMemory memory, CpuWeightFormat format, int rows, int columns, bool isSparse = false)
    {
        Format = format;
        Groups = RowGroup.Groups(rows);
        Blocks = RowGroup.Blocks(columns);
        GroupBytes = format.GroupBytes(Blocks);
        var hasGaps = isSparse || rows % RowGroup.Rows != 0 || columns % RowGroup.BlockColumns != 0
            || format.HalfBlock(Blocks, 0) != GroupBytes;
        _data = hasGaps ? memory.Allocate<byte>(Groups * GroupBytes) : memory.AllocateUninitialized<byte>(Groups * GroupBytes);
        Bias = memory.Allocate<float>(Groups * RowGroup.Rows);
    }

    public CpuWeightFormat Format { get; }

    public int Groups { get; }

    public int Blocks { get; }

    public nint GroupBytes { get; }

    /// <summary>Gets the bias, <c>[groups · 32]</c>; zeros where the checkpoint has none.</summary>
    public float* Bias { get; }

    /// <summary>Gets the weights of a row group.</summary>
    public byte* Group(int group) => _data + (group * GroupBytes);

    /// <summary>Gets the half of a block that holds a row.</summary>
    public byte* HalfBlock(int group, int groupRow, int block) => Group(group) + Format.HalfBlock(block, groupRow);

    /// <summary>What a matrix and its bias take in memory.</summary>
    public static long BytesOf(CpuWeightFormat format, int rows, int columns) =>
        (long)RowGroup.Groups(rows) * (format.GroupBytes(RowGroup.Blocks(columns)) + (RowGroup.Rows * sizeof(float)));

    /// <summary>Stores a row of float32.</summary>
    /// <param name="group">The row group.</param>
    /// <param name="groupRow">The row of the group.</param>
    /// <param name="row">Values, padded with zeros to whole blocks.</param>
    public void PackRow(int group, int groupRow, ReadOnlySpan<float> row)
    {
        for (var block = 0; block < Blocks; block++)
        {
            Format.Pack(
                HalfBlock(group, groupRow, block), groupRow % RowGroup.HalfRows,
                row.Slice(block * RowGroup.BlockColumns, RowGroup.BlockColumns));
        }
    }

    /// <summary>Multiplies a row group with rows of activations; the bias is not added.</summary>
    /// <param name="format">
    /// The form of the activations: <see cref="ActivationFormat.Float32"/> or that which the weights are fastest with.
    /// </param>
    /// <param name="group">The row group.</param>
    /// <param name="rows">The activations, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 32]</c>.</param>
    public void Multiply(ActivationFormat format, int group, byte** rows, int count, float* sums) =>
        Format.Multiply(format, Group(group), Blocks, rows, count, sums);
}
