using GptOss.Net.Execution;

namespace GptOss.Net.TestUtils;

/// <summary>An executor without a model: after token <c>t</c>, token <c>t + 1</c> is certain, unless the script says otherwise.</summary>
internal sealed class ScriptedExecutor(int vocabularySize) : IModelExecutor
{
    private const float Certain = 100;

    private readonly ComputedSteps _steps = new();
    private int _stepCount;

    public int MaxStepsInFlight { get; init; } = 1;

    /// <summary>Gets the answer of <see cref="CanContinue"/>.</summary>
    public bool Continues { get; init; } = true;

    /// <summary>Gets what happens before a step, on the engine's thread; the first step has number 1.</summary>
    public Action<int, StepBatch> BeforeStep { get; init; } = (_, _) => { };

    /// <summary>Gets what to write to a row of logits, after zeros and the certain token, given the row's token and its position.</summary>
    public Action<int, int, Span<float>> Logits { get; init; } = (_, _, _) => { };

    /// <summary>Gets the positions computed so far, of all steps.</summary>
    public List<int> Positions { get; } = [];

    public int StepCount => Volatile.Read(ref _stepCount);

    public bool IsDisposed { get; private set; }

    public void Begin(StepBatch batch)
    {
        IsDisposed.Should().BeFalse();
        _steps.Begin(() => Compute(batch), MaxStepsInFlight);
    }

    public StepResult Complete() => _steps.Complete();

    public bool CanContinue() => Continues;

    public void Dispose() => IsDisposed = true;

    private StepResult Compute(StepBatch batch)
    {
        BeforeStep(Interlocked.Increment(ref _stepCount), batch);
        Positions.AddRange(batch.Positions.Span);
        var result = new StepResult(new float[batch.RowCount * vocabularySize], vocabularySize);
        for (var i = 0; i < batch.RowCount; i++)
        {
            var index = batch.LogitsRows.Span[i];
            var (token, position) = (batch.TokenIds.Span[index], batch.Positions.Span[index]);
            var row = result.Row(i);
            row[(token + 1) % vocabularySize] = Certain;
            Logits(token, position, row);
        }

        return result;
    }
}
