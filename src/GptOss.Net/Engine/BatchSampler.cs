using System.Collections.Concurrent;
using GptOss.Net.Sampling;

namespace GptOss.Net.Engine;

/// <summary>Hands a step's rows of logits to its requests, on several threads when there are many: one operation for the batch.</summary>
/// <remarks>
/// A row is read by its own request alone, so the result does not depend on the number of threads. Sampling from the full vocabulary
/// takes about 0.1 ms a row, which would add up while a GPU waits.
/// </remarks>
internal sealed class BatchSampler
{
    // For fewer rows it is not worth waking other threads.
    private const int LeastParallelRows = 4;

    // More threads than processors would only make more samplers, each of the size of a row or two.
    private static readonly ParallelOptions Parallelism = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    private readonly ConcurrentBag<Sampler> _samplers = [];

    public void Deliver(IReadOnlyList<RowDelivery> deliveries)
    {
        if (deliveries.Count >= LeastParallelRows)
        {
            Parallel.ForEach(deliveries, Parallelism, Deliver);
            return;
        }

        foreach (var delivery in deliveries)
        {
            Deliver(delivery);
        }
    }

    private void Deliver(RowDelivery delivery)
    {
        var sampler = _samplers.TryTake(out var idle) ? idle : new Sampler(delivery.Result.VocabularySize);
        try
        {
            delivery.IsComplete = delivery.Request.Accept(delivery.Result, delivery.FirstRow, delivery.RowCount, sampler);
        }
#pragma warning disable CA1031 // Reported to the request's owner: one sequence's failure ends that sequence alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            delivery.Failure = exception as GptOssException ?? new GptOssException($"The sequence failed: {exception.Message}", exception);
        }
        finally
        {
            _samplers.Add(sampler);
        }
    }
}
