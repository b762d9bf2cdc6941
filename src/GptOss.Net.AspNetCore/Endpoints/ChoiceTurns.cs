using System.Threading.Channels;
using GptOss.Net.AspNetCore.Mapping;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// One or several answers to a prompt, as one stream of updates. The first answer begins alone: once it writes, the prompt is in the
/// cache and the others find it there. A failure of one ends all.
/// </summary>
internal sealed class ChoiceTurns : IAsyncEnumerator<ChoiceUpdate>
{
    private const int Buffered = 16;

    private readonly PrimedStream<ChatResponseUpdate> _first;
    private readonly Func<int, PrimedStream<ChatResponseUpdate>> _start;
    private readonly int _count;
    private Channel<ChoiceUpdate>? _others;
    private Task _readers = Task.CompletedTask;

    private ChoiceTurns(PrimedStream<ChatResponseUpdate> first, Func<int, PrimedStream<ChatResponseUpdate>> start, int count) =>
        (_first, _start, _count) = (first, start, count);

    public ChoiceUpdate Current { get; private set; }

    /// <summary>Hands the first answer to the model; throws what it refuses.</summary>
    public static ChoiceTurns Start(IChatClient client, ModelCall call, int count, CancellationToken cancellationToken)
    {
        PrimedStream<ChatResponseUpdate> StartChoice(int index)
        {
            var (messages, options) = call.Choice(index);
            return PrimedStream<ChatResponseUpdate>.Start(
                client.GetStreamingResponseAsync(messages, options, cancellationToken), cancellationToken);
        }

        return new ChoiceTurns(StartChoice(0), StartChoice, count);
    }

    public async ValueTask<bool> MoveNextAsync()
    {
        if (_others is null)
        {
            if (!await _first.MoveNextAsync().ConfigureAwait(false))
            {
                return false;
            }

            Current = new ChoiceUpdate(0, _first.Current);
            if (_count > 1)
            {
                _others = Channel.CreateBounded<ChoiceUpdate>(Buffered);
                _readers = ReadAllAsync(_others.Writer);
            }

            return true;
        }

        if (!await _others.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            return false;
        }

        _others.Reader.TryRead(out var update);
        Current = update;
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        // Readers that wait to write give up, and dispose of their turns.
        _others?.Writer.TryComplete();
        await _readers.ConfigureAwait(false);
        await _first.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ReadAllAsync(ChannelWriter<ChoiceUpdate> writer)
    {
        try
        {
            await Task.WhenAll(Enumerable.Range(0, _count).Select(i => ReadAsync(i, writer))).ConfigureAwait(false);
            writer.TryComplete();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            writer.TryComplete(exception);
        }
    }

    private async Task ReadAsync(int index, ChannelWriter<ChoiceUpdate> writer)
    {
        try
        {
            var turn = index == 0 ? _first : _start(index);
            await using (turn.ConfigureAwait(false))
            {
                while (await turn.MoveNextAsync().ConfigureAwait(false))
                {
                    await writer.WriteAsync(new ChoiceUpdate(index, turn.Current)).ConfigureAwait(false);
                }
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The other readers must not wait for one that is gone.
            writer.TryComplete(exception);
            throw;
        }
    }
}
