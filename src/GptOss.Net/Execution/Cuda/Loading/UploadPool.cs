using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>Reads, copies and packs side by side: as many threads as lanes, each with what it reads.</summary>
internal static class UploadPool
{
    // A copy and its packing take less than reading: two lanes for each thread would not be filled faster.
    private const int MaxLanes = 8;

    /// <summary>Runs all uploads and waits until the device has done them.</summary>
    /// <param name="driver">The device.</param>
    /// <param name="capacity">Bytes of a lane: the largest upload.</param>
    /// <param name="uploads">In the order in which they are begun; each fills a lane, sends it and packs from it.</param>
    public static void Run(ICudaDriver driver, int capacity, IReadOnlyList<Action<UploadLane>> uploads)
    {
        var count = Math.Clamp(Math.Min(Environment.ProcessorCount, uploads.Count), 1, MaxLanes);
        var lanes = new ConcurrentBag<UploadLane>();
        try
        {
            for (var i = 0; i < count; i++)
            {
                lanes.Add(new UploadLane(driver, capacity));
            }

            Parallel.ForEach(
                Partitioner.Create(uploads, EnumerablePartitionerOptions.NoBuffering),
                new ParallelOptions { MaxDegreeOfParallelism = count },
                upload => Run(lanes, upload));
            foreach (var lane in lanes)
            {
                driver.SynchronizeStream(lane.Stream.Handle); // What a kernel did wrong is reported here.
            }
        }
        catch (AggregateException exception)
        {
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }
        finally
        {
            foreach (var lane in lanes)
            {
                lane.Dispose();
            }
        }
    }

    private static void Run(ConcurrentBag<UploadLane> lanes, Action<UploadLane> upload)
    {
        if (!lanes.TryTake(out var lane))
        {
            throw new InvalidOperationException("There are fewer lanes than threads.");
        }

        try
        {
            lane.Begin();
            upload(lane);
            lane.End();
        }
        finally
        {
            lanes.Add(lane);
        }
    }
}
