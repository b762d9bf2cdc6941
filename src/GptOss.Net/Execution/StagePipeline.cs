using System.Collections.Concurrent;

namespace GptOss.Net.Execution;

/// <summary>
/// Stages that work at the same time, each on a thread of its own: while one computes a step, the one before it computes the next.
/// Every step passes all stages, in the order in which the steps were begun.
/// </summary>
/// <typeparam name="TStep">A step; the thread that has it is the only one that uses it.</typeparam>
/// <remarks>
/// Used by one thread, which computes a step itself when no other is in flight: handing it from thread to thread takes time, and
/// no stage could work meanwhile. The work of a stage must not throw: what fails is kept with the step.
/// </remarks>
internal sealed class StagePipeline<TStep> : IDisposable
    where TStep : class, IDisposable
{
    private readonly IReadOnlyList<Action<TStep>> _stages;

    // The steps before each stage, and those behind the last one. Between two stages only one step waits, whose hidden states take
    // memory: a stage that is ahead waits with the next one.
    private readonly BlockingCollection<TStep>[] _queues;
    private readonly Thread[] _threads;
    private bool _areThreadsStarted;
    private TStep? _alone;
    private int _inFlight;
    private volatile bool _isStopping;

    /// <param name="stages">What each stage does with a step.</param>
    public StagePipeline(IReadOnlyList<Action<TStep>> stages)
    {
        _stages = stages;
        _queues = [.. Enumerable.Range(0, Capacity + 1).Select(i => new BlockingCollection<TStep>(i % Capacity == 0 ? Capacity : 1))];
        _threads = [.. stages.Select((work, i) => new Thread(() => Run(work, _queues[i], _queues[i + 1])))];
    }

    /// <summary>Gets how many steps can be in flight: as many as there are stages.</summary>
    public int Capacity => _stages.Count;

    /// <summary>Takes a step and returns at once. The second one sets the stages to work.</summary>
    /// <exception cref="InvalidOperationException">As many steps are in flight as there can be.</exception>
    public void Begin(TStep step)
    {
        if (_inFlight == Capacity)
        {
            throw new InvalidOperationException($"{_inFlight} of {Capacity} steps are in flight; complete one first.");
        }

        if (_inFlight++ == 0)
        {
            _alone = step;
            return;
        }

        StartThreads();
        if (_alone is { } first)
        {
            _alone = null;
            _queues[0].Add(first);
        }

        _queues[0].Add(step);
    }

    /// <summary>Waits until the oldest step has passed all stages.</summary>
    /// <exception cref="InvalidOperationException">No step is in flight.</exception>
    public TStep Complete()
    {
        if (_inFlight == 0)
        {
            throw new InvalidOperationException("No step is in flight.");
        }

        _inFlight--;
        if (_alone is not { } step)
        {
            return _queues[^1].Take();
        }

        _alone = null;
        foreach (var work in _stages)
        {
            work(step);
        }

        return step;
    }

    /// <summary>Lets each stage end the step that it computes, but begin no other, and waits for the threads.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _alone?.Dispose();
        _queues[0].CompleteAdding();
        if (_areThreadsStarted)
        {
            Array.ForEach(_threads, thread => thread.Join());
            foreach (var step in _queues[^1].GetConsumingEnumerable())
            {
                step.Dispose();
            }
        }

        foreach (var queue in _queues)
        {
            queue.Dispose();
        }
    }

    private void StartThreads()
    {
        if (_areThreadsStarted)
        {
            return;
        }

        _areThreadsStarted = true;
        for (var i = 0; i < Capacity; i++)
        {
            _threads[i].IsBackground = true;
            _threads[i].Name = $"GptOss.Net stage {i + 1}";
            _threads[i].UnsafeStart(); // without the context of whoever began the step
        }
    }

    private void Run(Action<TStep> work, BlockingCollection<TStep> input, BlockingCollection<TStep> output)
    {
        foreach (var step in input.GetConsumingEnumerable())
        {
            if (!_isStopping)
            {
                work(step);
            }

            output.Add(step);
        }

        output.CompleteAdding();
    }
}
