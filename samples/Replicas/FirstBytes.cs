using System.Text;
using System.Text.RegularExpressions;

namespace Replicas;

/// <summary>Passes a body on, and looks into its first bytes for the id of a response.</summary>
internal sealed partial class FirstBytes(Stream inner, Action<string> found) : Stream
{
    private const int Enough = 4_096;

    private readonly StringBuilder _begin = new();
    private bool _isDone;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Written asynchronously only.");

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Look(buffer.Span);
        await inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => throw new NotSupportedException("Flushed asynchronously only.");

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void Look(ReadOnlySpan<byte> bytes)
    {
        if (_isDone)
        {
            return;
        }

        _begin.Append(Encoding.UTF8.GetString(bytes));
        var match = ResponseId().Match(_begin.ToString());
        if (match.Success)
        {
            found(match.Groups[1].Value);
        }

        _isDone = match.Success || _begin.Length > Enough;
    }

    [GeneratedRegex("\"id\":\"(resp_[0-9a-f]+)\"")]
    private static partial Regex ResponseId();
}
