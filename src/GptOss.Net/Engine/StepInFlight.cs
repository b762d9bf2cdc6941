using GptOss.Net.Execution;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>A step that the executor computes, and whose its rows are. Used again for later steps: it keeps its arrays.</summary>
/// <param name="requests">The request of each sequence.</param>
internal sealed class StepInFlight(IReadOnlyDictionary<Sequence, EngineRequest> requests)
{
    private readonly StepBatchBuilder _builder = new();
    private readonly List<RowDelivery> _deliveries = [];
    private int _freeSlots;

    public StepPlan Plan { get; private set; } = new([], []);

    public IReadOnlyList<RowDelivery> Deliveries => _deliveries;

    /// <summary>Gets or sets when it was begun, as a time stamp of the engine's clock.</summary>
    public long Begun { get; set; }

    /// <summary>
    /// Packs a plan, and finds out what is wanted of its rows: a request for which that fails is marked, and fails alone.
    /// </summary>
    /// <param name="plan">What to compute.</param>
    /// <param name="freeSlots">How many more sequences may run: for so many that go on from another's prompt there are rows.</param>
    public StepBatch Pack(StepPlan plan, int freeSlots)
    {
        (Plan, _freeSlots) = (plan, freeSlots);
        _deliveries.Clear();
        return _builder.Build(plan, AddLastRows);
    }

    /// <summary>The row of the request, and of those that go on from its prompt.</summary>
    private void AddLastRows(ScheduledChunk chunk, GrowingArray<RowSampling> rows)
    {
        var request = requests[chunk.Sequence];
        var count = StepBatchBuilder.RowCount(chunk);
        _deliveries.Add(new RowDelivery(request, rows.Count + 1 - count, count));
        rows.Add(Next(request, chunk.Sequence.StepsInFlight - 1));
        foreach (var follower in request.Followers)
        {
            if (follower.Sequence.Status == SequenceStatus.New && _freeSlots-- > 0)
            {
                _deliveries.Add(new RowDelivery(follower, rows.Count, 1, request));
                rows.Add(Next(follower, 0));
            }
        }
    }

    private static RowSampling Next(EngineRequest request, int ahead)
    {
        try
        {
            return request.Next(ahead);
        }
#pragma warning disable CA1031 // Reported to the request's owner: one sequence's failure ends that sequence alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            request.Failure = exception as GptOssException ?? new GptOssException($"The sequence failed: {exception.Message}", exception);
            return default;
        }
    }
}
