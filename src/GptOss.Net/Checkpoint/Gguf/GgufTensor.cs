using System.Collections.Immutable;
using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="File">The bytes of the file.</param>
/// <param name="Name">Its name, in llama.cpp's spelling.</param>
/// <param name="Type">The type of its blocks.</param>
/// <param name="Shape">Its dimensions, the slowest first: the other way round than the file has them.</param>
/// <param name="Offset">Where it begins in the file, in bytes.</param>
internal sealed record GgufTensor(ITensorSource File, string Name, GgmlType Type, ImmutableArray<long> Shape, long Offset)
{
    /// <summary>Gets the bytes that it takes in the file.</summary>
    public long ByteLength =>
        Shape.Aggregate(1L, static (product, dimension) => checked(product * dimension)) / Type.BlockValues() * Type.BlockBytes();

    /// <summary>
    /// The values: as they are stored where each has bits of its own, otherwise decoded to float32 or, to save memory, float16.
    /// </summary>
    public CheckpointTensor Values(string name, bool asHalves = false) => Type switch
    {
        GgmlType.F32 => new CheckpointTensor(File, name, TensorType.F32, Shape, Offset),
        GgmlType.F16 => new CheckpointTensor(File, name, TensorType.F16, Shape, Offset),
        GgmlType.BF16 => new CheckpointTensor(File, name, TensorType.BF16, Shape, Offset),
        _ when asHalves => new CheckpointTensor(Blocks(GgufBlockPart.Halves), name, TensorType.F16, Shape),
        _ => new CheckpointTensor(Blocks(GgufBlockPart.Singles), name, TensorType.F32, Shape),
    };

    /// <summary>MXFP4: the packed values, U8 <c>[…, in / 32, 16]</c>.</summary>
    public CheckpointTensor Mxfp4Blocks(string name) =>
        new(Blocks(GgufBlockPart.Mxfp4Blocks), name, TensorType.U8, BlockShape().Add(Mxfp4Format.BlockBytes));

    /// <summary>MXFP4: the scales, U8 <c>[…, in / 32]</c>.</summary>
    public CheckpointTensor Mxfp4Scales(string name) => new(Blocks(GgufBlockPart.Mxfp4Scales), name, TensorType.U8, BlockShape());

    private ImmutableArray<long> BlockShape() => Shape.SetItem(Shape.Length - 1, Shape[^1] / Mxfp4Format.GroupSize);

    private GgufBlocks Blocks(GgufBlockPart part) => new(File, Offset, Type, part);
}
