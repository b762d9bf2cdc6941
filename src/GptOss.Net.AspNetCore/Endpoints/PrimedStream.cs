namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// An answer that has begun: what the model refuses fails in <see cref="Start"/>, before anything is sent to the client. Read once, by one
/// reader.
/// </summary>
internal sealed class PrimedStream<T> : IAsyncEnumerator<T>
{
    private readonly IAsyncEnumerator<T> _elements;
    private ValueTask<bool>? _first;

    private PrimedStream(IAsyncEnumerator<T> elements, ValueTask<bool> first) => (_elements, _first) = (elements, first);

    public T Current => _elements.Current;

    /// <summary>Asks for the first element and returns as soon as that waits or runs at the model.</summary>
    public static PrimedStream<T> Start(IAsyncEnumerable<T> source, CancellationToken cancellationToken)
    {
        var elements = source.GetAsyncEnumerator(cancellationToken);
        var first = elements.MoveNextAsync();
        return first.IsCompleted
            ? new PrimedStream<T>(elements, ValueTask.FromResult(first.Result))
            : new PrimedStream<T>(elements, first);
    }

    public ValueTask<bool> MoveNextAsync()
    {
        if (_first is not { } first)
        {
            return _elements.MoveNextAsync();
        }

        _first = null;
        return first;
    }

    public async ValueTask DisposeAsync()
    {
        if (_first is { } unread)
        {
            // An enumerator may not be disposed while it moves.
            try
            {
                await unread.ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                // Nobody reads this answer any more.
            }
        }

        await _elements.DisposeAsync().ConfigureAwait(false);
    }
}
