using GptOss.Net.Execution;
using GptOss.Net.Harmony;

namespace GptOss.Net.Throughput.Soak;

/// <summary>
/// An executor without a model that takes its time: after each token another one is almost certain, by a fixed rule that ends most
/// messages early. Keys and values are nowhere; everything around the executor is real.
/// </summary>
internal sealed class SoakExecutor(int vocabularySize, int maxRows, TimeSpan stepTime) : IModelExecutor
{
    /// <summary>After this token the logits are not numbers.</summary>
    public const int NotANumber = 199_990;

    private const int Words = 50_000; // the tokens that follow others: short texts
    private const float Likely = 20;
    private const float Certain = 40;

    private readonly float[] _logits = new float[maxRows * vocabularySize]; // [rows, vocabulary]
    private StepBatch? _step;

    public int MaxStepsInFlight => 1;

    public void Begin(StepBatch batch) => _step = batch;

    public StepResult Complete()
    {
        var step = _step ?? throw new InvalidOperationException("No step is in flight.");
        _step = null;
        Thread.Sleep(stepTime);
        var result = new StepResult(_logits, vocabularySize);
        for (var row = 0; row < step.RowCount; row++)
        {
            var token = step.LogitsRows.Span[row];
            Write(result.Row(row), step.TokenIds.Span[token], step.Positions.Span[token]);
        }

        return result;
    }

    public bool CanContinue() => true;

    public void Dispose()
    {
    }

    private static void Write(Span<float> row, int token, int position)
    {
        if (token == NotANumber)
        {
            row.Fill(float.NaN);
            return;
        }

        row.Clear();
        var next = (uint)((token * 2_654_435_761) + (position * 40_503));
        row[(int)(next % Words)] = Likely;
        if (next / Words % 24 == 0)
        {
            // Whichever of them the format allows here.
            row[ControlToken.End] = row[ControlToken.Call] = Certain;
            row[ControlToken.Return] = Certain + 1;
        }
    }
}
