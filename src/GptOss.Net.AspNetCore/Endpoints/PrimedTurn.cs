using GptOss.Net.AspNetCore.Mapping;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// An answer that has begun: a request that the model refuses fails in <see cref="Start"/>, before anything is sent to the client.
/// Read once, by one reader.
/// </summary>
internal sealed class PrimedTurn : IAsyncEnumerator<ChatResponseUpdate>
{
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private ValueTask<bool>? _first;

    private PrimedTurn(IAsyncEnumerator<ChatResponseUpdate> updates, ValueTask<bool> first) => (_updates, _first) = (updates, first);

    public ChatResponseUpdate Current => _updates.Current;

    /// <summary>Hands the call to the model and returns as soon as it waits or runs there.</summary>
    public static PrimedTurn Start(IChatClient client, ModelCall call, CancellationToken cancellationToken)
    {
        var updates = client.GetStreamingResponseAsync(call.Messages, call.Options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        var first = updates.MoveNextAsync();
        return first.IsCompleted ? new PrimedTurn(updates, ValueTask.FromResult(first.Result)) : new PrimedTurn(updates, first);
    }

    public ValueTask<bool> MoveNextAsync()
    {
        if (_first is not { } first)
        {
            return _updates.MoveNextAsync();
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

        await _updates.DisposeAsync().ConfigureAwait(false);
    }
}
