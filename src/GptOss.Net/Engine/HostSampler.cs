using GptOss.Net.Execution;
using GptOss.Net.Sampling;

namespace GptOss.Net.Engine;

/// <summary>Samples the rows that an executor leaves to the host, on threads of its own when there are many.</summary>
/// <remarks>
/// A row depends on nothing but itself, so the result does not depend on the number of threads. Sampling from the full vocabulary takes
/// about 0.1 ms a row, which would add up while a GPU waits. Used by one thread, the engine's.
/// </remarks>
internal sealed class HostSampler : IDisposable
{
    // For fewer rows it is not worth waking other threads.
    private const int LeastParallelRows = 4;

    // Each has a sampler of the size of a row or two.
    private const int MaxThreads = 16;

    private readonly WorkSharingThreads _threads = new(Math.Min(Environment.ProcessorCount, MaxThreads), "GptOss.Net sampling");
    private readonly Sampler?[] _samplers;
    private readonly Action<int, int> _sample;
    private SampledToken[] _tokens = [];
    private int[] _leftToHost = []; // the rows to sample here
    private StepBatch? _batch;
    private StepResult _result;

    public HostSampler()
    {
        _samplers = new Sampler?[_threads.Count];
        _sample = Sample;
    }

    /// <summary>
    /// The result with a token, or the reason why there is none, for every row that wants one; valid until the next call.
    /// </summary>
    public StepResult Sample(StepBatch batch, StepResult result)
    {
        var count = Collect(batch, result);
        (_batch, _result) = (batch, result);
        if (count >= LeastParallelRows)
        {
            _threads.Run(count, _sample);
        }
        else
        {
            for (var i = 0; i < count; i++)
            {
                Sample(i, thread: 0);
            }
        }

        return result with { Tokens = _tokens.AsMemory(0, batch.RowCount) };
    }

    public void Dispose() => _threads.Dispose();

    /// <summary>Takes over what the executor has sampled, and lists the rows that it has left.</summary>
    private int Collect(StepBatch batch, StepResult result)
    {
        if (_tokens.Length < batch.RowCount)
        {
            _tokens = new SampledToken[2 * batch.RowCount];
            _leftToHost = new int[2 * batch.RowCount];
        }

        var count = 0;
        for (var row = 0; row < batch.RowCount; row++)
        {
            _tokens[row] = result.IsSampled(row) ? result.Tokens.Span[row] : SampledToken.LeftToHost;
            if (_tokens[row].IsLeftToHost && !batch.Rows.Span[row].WantsLogits)
            {
                _leftToHost[count++] = row;
            }
        }

        return count;
    }

    private void Sample(int item, int thread)
    {
        var row = _leftToHost[item];
        try
        {
            var sampler = _samplers[thread] ??= new Sampler(_result.VocabularySize);
            _tokens[row] = sampler.Sample(_result.Row(row), _batch!.Rows.Span[row]);
        }
#pragma warning disable CA1031 // Reported to the request's owner: one sequence's failure ends that sequence alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _tokens[row] = SampledToken.Failed(
                exception as GptOssException ?? new GptOssException($"The sequence failed: {exception.Message}", exception));
        }
    }
}
