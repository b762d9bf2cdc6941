namespace GptOss.Net.Scheduling;

/// <summary>Steps that begin before the tokens of the step before them are read.</summary>
internal sealed partial class Scheduler
{
    /// <summary>
    /// Plans a step in which the sequences of the newest step in flight go on with the tokens that it samples; empty when nothing is
    /// gained by it.
    /// </summary>
    /// <param name="newest">The step that was begun last.</param>
    /// <param name="mayGoOn">Whether it is known how a sequence's token after the unread ones is sampled.</param>
    public StepPlan PlanAhead(StepPlan newest, Func<Sequence, bool> mayGoOn)
    {
        // Who is not in the newest step would wait for one more, and so would who could begin now.
        var canBegin = _waiting.Count > 0 && _running.Count < options.MaxSequences;
        var step = new StepDraft(options.MaxStepTokens, options.MaxSequences);
        if (canBegin || newest.Chunks.Count(chunk => chunk.Sequence.Status == SequenceStatus.Running) < _running.Count)
        {
            return Begin(step);
        }

        foreach (var chunk in newest.Chunks)
        {
            var sequence = chunk.Sequence;
            if (CanRunAhead(chunk) && mayGoOn(sequence) && cache.TryReserve(sequence.Blocks, sequence.TokensInFlight + 1))
            {
                step.AddAhead(sequence);
            }
        }

        // A step takes about as long for half of the sequences as for all: those that cannot go on would pay for it.
        return Begin(2 * step.Chunks.Count >= newest.Chunks.Count ? step : new StepDraft(0, 0));
    }

    /// <summary>What later steps in flight compute of a sequence is not wanted: they do not follow from its last token.</summary>
    public static void Discard(Sequence sequence) => sequence.StepsToDiscard = sequence.StepsInFlight;

    private bool CanRunAhead(ScheduledChunk chunk) =>
        chunk.ReachesEnd
        && chunk.Sequence is { Status: SequenceStatus.Running, WantsAllLogits: false, StepsToDiscard: 0 }
        && chunk.Sequence.StepsInFlight <= options.MaxStepsAhead;

    /// <summary>A step of the sequence has ended; who was removed meanwhile gives up its blocks with the last one.</summary>
    /// <returns><see langword="true"/> when what it computed counts.</returns>
    private bool EndStep(ScheduledChunk chunk, bool isComputed)
    {
        var sequence = chunk.Sequence;
        sequence.StepsInFlight--;
        sequence.TokensInFlight -= chunk.TokenCount;
        if (sequence.Status == SequenceStatus.Finished && !sequence.IsInFlight)
        {
            cache.Free(sequence.Blocks);
        }

        sequence.IsDiscarded = !isComputed || sequence.Status == SequenceStatus.Finished || sequence.StepsToDiscard > 0;
        sequence.StepsToDiscard = Math.Max(0, sequence.StepsToDiscard - 1);
        return !sequence.IsDiscarded;
    }
}
