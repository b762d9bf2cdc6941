using System.Buffers;

namespace GptOss.Net.Checkpoint;

/// <summary>
/// A tensor whose bytes are made from others while they are read, such as values from the blocks that they are packed in. They are made in
/// units that need nothing of each other: a block, a row.
/// </summary>
/// <param name="path">The file that stands behind it.</param>
/// <param name="unitBytes">The bytes of a unit.</param>
internal abstract class DerivedTensorSource(string path, int unitBytes) : ITensorSource
{
    // How much is made at once.
    private const int MaxBytes = 1 << 20;

    public string Path => path;

    protected int UnitBytes => unitBytes;

    public void Read(long offset, Span<byte> destination, string? tensor)
    {
        while (!destination.IsEmpty)
        {
            var (unit, skipped) = Math.DivRem(offset, unitBytes);
            int count;
            if (skipped == 0 && destination.Length >= unitBytes)
            {
                count = Math.Max(1, Math.Min(destination.Length, MaxBytes) / unitBytes) * unitBytes;
                Make(unit, destination[..count], tensor);
            }
            else
            {
                count = Math.Min(unitBytes - (int)skipped, destination.Length);
                MakePart(unit, (int)skipped, destination[..count], tensor);
            }

            destination = destination[count..];
            offset += count;
        }
    }

    /// <summary>Makes whole units.</summary>
    /// <param name="first">The first unit.</param>
    /// <param name="destination">Receives the units.</param>
    /// <param name="tensor">The tensor that they belong to, for messages.</param>
    protected abstract void Make(long first, Span<byte> destination, string? tensor);

    private void MakePart(long unit, int skipped, Span<byte> destination, string? tensor)
    {
        var whole = ArrayPool<byte>.Shared.Rent(unitBytes);
        try
        {
            Make(unit, whole.AsSpan(0, unitBytes), tensor);
            whole.AsSpan(skipped, destination.Length).CopyTo(destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }
}
