using System.Runtime.InteropServices;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Collects the logits of every token of a text.</summary>
internal sealed class LogitsRequest(Sequence sequence, CancellationToken cancellationToken)
    : EngineRequest(sequence, cancellationToken)
{
    private readonly TaskCompletionSource<float[,]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private float[,]? _logits; // [tokens, vocabulary]
    private int _rows;

    public Task<float[,]> Completion => _completion.Task;

    public override bool Accept(StepResult result, int firstRow, int rowCount)
    {
        _logits ??= new float[Sequence.Tokens.Count, result.VocabularySize];
        for (var row = firstRow; row < firstRow + rowCount; row++)
        {
            result.Row(row).CopyTo(RowOf(_logits, _rows++));
        }

        return _rows == Sequence.Tokens.Count && _completion.TrySetResult(_logits);
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
