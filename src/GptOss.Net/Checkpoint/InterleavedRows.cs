using System.Buffers;

namespace GptOss.Net.Checkpoint;

/// <summary>Rows of two tensors in turns: even ones of the first, odd ones of the second, as checkpoints fuse gate and up.</summary>
/// <param name="even">The first tensor.</param>
/// <param name="odd">The second, of the same size.</param>
/// <param name="rowBytes">The bytes of a row.</param>
internal sealed class InterleavedRows(CheckpointTensor even, CheckpointTensor odd, int rowBytes)
    : DerivedTensorSource(even.Source.Path, rowBytes)
{
    protected override void Make(long first, Span<byte> destination, string? tensor)
    {
        var rows = destination.Length / UnitBytes;
        for (var parity = 0; parity < 2; parity++)
        {
            var skipped = (int)((first + parity) & 1); // the first row here that is of this tensor
            var count = (rows - skipped + 1) / 2;
            if (count > 0)
            {
                Spread(parity == 0 ? even : odd, (first + skipped) / 2, count, destination[(skipped * UnitBytes)..]);
            }
        }
    }

    private void Spread(CheckpointTensor from, long firstRow, int count, Span<byte> destination)
    {
        var length = count * UnitBytes;
        var rows = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            from.Read(firstRow * UnitBytes, rows.AsSpan(0, length));
            for (var i = 0; i < count; i++)
            {
                rows.AsSpan(i * UnitBytes, UnitBytes).CopyTo(destination[(2 * i * UnitBytes)..]);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rows);
        }
    }
}
