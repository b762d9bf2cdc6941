using System.Buffers;
using System.Runtime.InteropServices;
using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>Reads a quantized GGUF tensor block by block.</summary>
/// <param name="file">The bytes of the file.</param>
/// <param name="offset">Where the first block begins.</param>
/// <param name="type">The type of the blocks.</param>
/// <param name="part">What to give of each.</param>
internal sealed class GgufBlocks(ITensorSource file, long offset, GgmlType type, GgufBlockPart part)
    : DerivedTensorSource(file.Path, BytesOf(type, part))
{
    protected override void Make(long first, Span<byte> destination, string? tensor)
    {
        var blockBytes = type.BlockBytes();
        var count = destination.Length / UnitBytes;
        var stored = ArrayPool<byte>.Shared.Rent(count * blockBytes);
        try
        {
            file.Read(offset + (first * blockBytes), stored.AsSpan(0, count * blockBytes), tensor);
            for (var i = 0; i < count; i++)
            {
                Make(stored.AsSpan(i * blockBytes, blockBytes), destination.Slice(i * UnitBytes, UnitBytes), first + i, tensor);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }

    private static int BytesOf(GgmlType type, GgufBlockPart part) => part switch
    {
        GgufBlockPart.Singles => type.BlockValues() * sizeof(float),
        GgufBlockPart.Halves => type.BlockValues() * sizeof(ushort),
        GgufBlockPart.Mxfp4Blocks => Mxfp4Format.BlockBytes,
        _ => 1,
    };

    private void Make(ReadOnlySpan<byte> block, Span<byte> destination, long index, string? tensor)
    {
        switch (part)
        {
            case GgufBlockPart.Singles:
                GgmlFormat.Decode(type, block, MemoryMarshal.Cast<byte, float>(destination));
                break;
            case GgufBlockPart.Halves:
                Round(block, MemoryMarshal.Cast<byte, Half>(destination), index, tensor);
                break;
            case GgufBlockPart.Mxfp4Blocks when type == GgmlType.Mxfp4:
                GgmlFormat.PairNibbles(block[1..], destination);
                break;
            case GgufBlockPart.Mxfp4Blocks:
                block[1..].CopyTo(destination);
                break;
            default:
                destination[0] = block[0];
                break;
        }
    }

    private void Round(ReadOnlySpan<byte> block, Span<Half> destination, long index, string? tensor)
    {
        Span<float> values = stackalloc float[destination.Length];
        GgmlFormat.Decode(type, block, values);
        for (var i = 0; i < values.Length; i++)
        {
            destination[i] = (Half)values[i];
            if (float.IsFinite(values[i]) && !Half.IsFinite(destination[i]))
            {
                throw new CheckpointException($"block {index:N0} has the value {values[i]}, which float16 cannot hold.", Path, tensor);
            }
        }
    }
}
