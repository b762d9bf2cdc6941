using System.Runtime.InteropServices;
using GptOss.Net.Execution;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Collects the logits of every token of a text.</summary>
internal sealed class LogitsRequest(Sequence sequence, CancellationToken cancellationToken)
    : EngineRequest(sequence, cancellationToken)
{
    private readonly TaskCompletionSource<float[,]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private float[,]? _logits; // [tokens, vocabulary]

    public Task<float[,]> Completion => _completion.Task;

    public override RowSampling Next(int ahead) => default;

    public override bool Accept(StepResult result, int firstRow, int rowCount)
    {
        _logits ??= new float[Sequence.Tokens.Count, result.VocabularySize];

        // Not counted here: a sequence that lost its blocks delivers its rows again, from the first one.
        var firstToken = Sequence.Blocks.ComputedTokens - rowCount;
        for (var i = 0; i < rowCount; i++)
        {
            result.Row(firstRow + i).CopyTo(RowOf(_logits, firstToken + i));
        }

        return firstToken + rowCount == Sequence.Tokens.Count && _completion.TrySetResult(_logits);
    }

    public override void Fail(Exception exception)
    {
        if (exception is OperationCanceledException canceled)
        {
            _completion.TrySetCanceled(canceled.CancellationToken);
        }
        else
        {
            _completion.TrySetException(exception);
        }
    }

    private static Span<float> RowOf(float[,] logits, int row) =>
        MemoryMarshal.CreateSpan(ref logits[row, 0], logits.GetLength(1));
}
