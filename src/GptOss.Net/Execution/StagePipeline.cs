using System.Collections.Concurrent;

namespace GptOss.Net.Execution;

/// <summary>
/// Stages that work at the same time, each on a thread of its own: while one computes a step, the one before it computes the next.
/// Every step passes all stages, in the order in which the steps were begun.
/// </summary>
/// <typeparam name="TStep">A step; the thread that has it is the only one that uses it.</typeparam>
/// <remarks>Used by one thread. The work of a stage must not throw: what fails is kept with the step.</remarks>
internal sealed class StagePipeline<TStep> : IDisposable
    where TStep : IDisposable
{
    // The steps before each stage, and those behind the last one. Between two stages only one step waits, whose hidden states take
    // memory: a stage that is ahead waits with the next one.
    private readonly BlockingCollection<TStep>[] _queues;
    private readonly Thread[] _threads;
    private int _inFlight;
    private volatile bool _isStopping;

    /// <summary>Starts the threads.</summary>
    /// <param name="stages">What each stage does with a step.</param>
    public StagePipeline(IReadOnlyList<Action<TStep>> stages)
    {
        Capacity = stages.Count;
        _queues = [.. Enumerable.Range(0, Capacity + 1).Select(i => new BlockingCollection<TStep>(i % Capacity == 0 ? Capacity : 1))];
        _threads = [.. stages.Select((work, i) => new Thread(() => Run(work, _queues[i], _queues[i + 1])))];
        for (var i = 0; i < Capacity; i++)
        {
            _threads[i].IsBackground = true;
            _threads[i].Name = $"GptOss.Net stage {i + 1}";
            _threads[i].Start();
        }
    }

    /// <summary>Gets how many steps can be in flight: as many as there are stages.</summary>
    public int Capacity { get; }

    /// <summary>Hands a step to the first stage and returns at once.</summary>
    /// <exception cref="InvalidOperationException">As many steps are in flight as there can be.</exception>
    public void Begin(TStep step)
    {
        if (_inFlight == Capacity)
        {
            throw new InvalidOperationException($"{_inFlight} of {Capacity} steps are in flight; complete one first.");
        }

        _inFlight++;
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
        return _queues[^1].Take();
    }

    /// <summary>Lets each stage end the step that it computes, but begin no other, and waits for the threads.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _queues[0].CompleteAdding();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        foreach (var step in _queues[^1].GetConsumingEnumerable())
        {
            step.Dispose();
        }

        foreach (var queue in _queues)
        {
            queue.Dispose();
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
