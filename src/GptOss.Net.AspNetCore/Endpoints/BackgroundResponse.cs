using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>A response in the making: its events so far, for any number of listeners.</summary>
internal sealed class BackgroundResponse : IDisposable
{
    private readonly CancellationTokenSource _ended;
    private readonly Lock _lock = new();
    private readonly List<ResponseEvent> _events = [];
    private readonly TaskCompletionSource _completion = NewSignal();
    private TaskCompletionSource _changed = NewSignal();
    private bool _isComplete;

    public BackgroundResponse(ResponsePlan plan, TimeSpan timeout, CancellationToken drained)
    {
        Plan = plan;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(drained);
        _ended.CancelAfter(timeout);
    }

    public ResponsePlan Plan { get; }

    public CancellationToken Ended => _ended.Token;

    public bool IsCancelled { get; private set; }

    /// <summary>Gets what ends when the response has ended and is kept.</summary>
    public Task Completion => _completion.Task;

    public void Cancel()
    {
        IsCancelled = true;
        _ended.Cancel();
    }

    public void Add(ResponseEvent found) => Change(() => _events.Add(found));

    public void Complete()
    {
        Change(() => _isComplete = true);
        _completion.TrySetResult();
    }

    /// <summary>Sends the events from a place on, until the response has ended.</summary>
    public async Task StreamAsync(ServedRequest request, int from)
    {
        var stream = EventStream.Start(request);
        await using (stream.ConfigureAwait(false))
        {
            for (var next = from; ;)
            {
                var (events, changed, isComplete) = Read(next);
                foreach (var found in events)
                {
                    stream.Write(found.Type, found, ReplyJson.Default.ResponseEvent);
                }

                next += events.Count;
                if (isComplete)
                {
                    break;
                }

                await stream.FlushAsync(request.Ended).ConfigureAwait(false);
                await changed.WaitAsync(request.Ended).ConfigureAwait(false);
            }

            stream.WriteDone();
            await stream.FlushAsync(request.Ended).ConfigureAwait(false);
        }
    }

    public void Dispose() => _ended.Dispose();

    private (List<ResponseEvent> Events, Task Changed, bool IsComplete) Read(int from)
    {
        lock (_lock)
        {
            return (_events.Skip(from).ToList(), _changed.Task, _isComplete);
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            change();
            (changed, _changed) = (_changed, NewSignal());
        }

        changed.TrySetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
