using GptOss.Net.Execution;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>What comes of a step's rows.</summary>
internal sealed partial class StepRunner
{
    /// <summary>Hands out what came of a step.</summary>
    /// <param name="deliveries">Whose the rows are.</param>
    /// <param name="given">What the executor gave.</param>
    /// <param name="result">The same, with what the host has sampled.</param>
    private void Deliver(IReadOnlyList<RowDelivery> deliveries, StepResult given, StepResult result)
    {
        // Before their leaders end, whose blocks they go on from.
        var began = deliveries.Select(Begins).ToArray();
        foreach (var delivery in deliveries.Where(delivery => delivery.Request.Failure is null))
        {
            QueueFollowers(delivery.Request); // that had no row in the step
        }

        for (var i = 0; i < began.Length; i++)
        {
            if (began[i])
            {
                Deliver(deliveries[i], given, result);
            }
        }
    }

    /// <summary>Whether a request can take its rows; one whose prompt another has computed goes on from there, if there is room.</summary>
    private bool Begins(RowDelivery delivery)
    {
        var (request, leader) = (delivery.Request, delivery.Leader);
        return !(leader ?? request).Sequence.IsDiscarded && request.Failure is null && leader?.Failure is null
            && (leader is null
                || (request.Sequence.Status == SequenceStatus.New && scheduler.TryFork(leader.Sequence, request.Sequence)));
    }

    private void Deliver(RowDelivery delivery, StepResult given, StepResult result)
    {
        var request = delivery.Request;
        bool isComplete;
        try
        {
            isComplete = request.Accept(result, delivery.FirstRow, delivery.RowCount);

            // What ran ahead went on from what the executor has sampled: from nothing where it left the row to the host after all.
            if (request.Sequence.IsInFlight && !isComplete && !(request.IsAheadValid && given.IsSampled(delivery.FirstRow)))
            {
                Scheduler.Discard(request.Sequence);
            }
        }
#pragma warning disable CA1031 // Reported to the request's owner: one sequence's failure ends that sequence alone.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (exception is NonFiniteLogitsException)
            {
                // What the sequence wrote may be not finite either.
                scheduler.ForgetPrefixes();
            }

            End(request, exception as GptOssException ?? new GptOssException($"The sequence failed: {exception.Message}", exception));
            return;
        }

        telemetry.Deliver(request);
        if (isComplete)
        {
            End(request, null);
        }
    }

    private void QueueFollowers(EngineRequest request)
    {
        foreach (var follower in request.Followers.Where(follower => follower.Sequence.Status == SequenceStatus.New))
        {
            scheduler.Add(follower.Sequence);
        }
    }
}
