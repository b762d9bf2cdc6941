using GptOss.Net.Execution;
using GptOss.Net.Sampling;

namespace GptOss.Net.TestUtils;

/// <summary>
/// Makes of an executor that leaves sampling to the host one that samples by itself and takes steps ahead of what the host has read, as a
/// GPU does: a step is computed when it is completed, with the tokens that the one before it gave.
/// </summary>
internal sealed class AheadExecutor(IModelExecutor inner, int stepsAhead = 2) : IModelExecutor
{
    private readonly Queue<StepBatch> _inFlight = new();
    private Sampler? _sampler;
    private SampledToken[] _newest = []; // the rows of the step that was computed last

    public int MaxStepsInFlight => 1;

    public int MaxStepsAhead => stepsAhead;

    /// <summary>Gets how many steps had tokens that the host had not read.</summary>
    public int StepsAhead { get; private set; }

    /// <summary>
    /// Gets which rows turn out to be the host's when they are sampled, as counted over all steps: every so many; 0: none.
    /// </summary>
    public int LeavesEvery { get; init; }

    /// <summary>Gets the most steps that were in flight at once.</summary>
    public int MostStepsInFlight { get; private set; }

    /// <summary>Gets how many tokens were sampled here.</summary>
    public int SampledTokens { get; private set; }

    // Its counts are the host's.
    public bool CanSample(in RowSampling row) => row.Penalties is null;

    public void Begin(StepBatch batch)
    {
        _inFlight.Count.Should().BeLessThanOrEqualTo(stepsAhead);
        StepsAhead += batch.TokenIds.Span.ContainsAnyInRange(int.MinValue, -1) ? 1 : 0;
        _inFlight.Enqueue(batch);
        MostStepsInFlight = Math.Max(MostStepsInFlight, _inFlight.Count);
    }

    public StepResult Complete()
    {
        var batch = _inFlight.Dequeue();
        int[] tokens = [.. batch.TokenIds.ToArray().Select(token => token >= 0 ? token : Sampled(~token))];
        _newest = [];
        inner.Begin(batch with { TokenIds = tokens });
        var result = inner.Complete();
        _sampler ??= new Sampler(result.VocabularySize);
        _newest = [.. Enumerable.Range(0, batch.RowCount).Select(row => Sample(result.Row(row), batch.Rows.Span[row]))];
        return result with { Tokens = _newest };
    }

    public bool CanContinue() => inner.CanContinue();

    public void Dispose() => inner.Dispose();

    // Where there is none, as behind logits that are not finite, the host throws away what follows.
    private int Sampled(int row) => row < _newest.Length ? Math.Max(0, _newest[row].Id) : 0;

    private SampledToken Sample(Span<float> logits, in RowSampling row)
    {
        if (row.WantsLogits || !CanSample(row))
        {
            return SampledToken.LeftToHost;
        }

        SampledTokens++;
        if (LeavesEvery > 0 && SampledTokens % LeavesEvery == 0)
        {
            return SampledToken.LeftToHost;
        }

        try
        {
            var token = _sampler!.Sample(logits, row);
            logits.Fill(float.NaN); // nobody may look at them any more
            return token;
        }
        catch (GptOssException exception)
        {
            return SampledToken.Failed(exception);
        }
    }
}
