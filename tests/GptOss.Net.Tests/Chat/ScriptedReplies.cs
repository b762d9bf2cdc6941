using GptOss.Net.Execution;
using GptOss.Net.KVCache;
using GptOss.Net.Tests.Execution;

namespace GptOss.Net.Tests.Chat;

/// <summary>
/// An executor without a model: it remembers the tokens of each sequence in cache slots, as a model remembers keys and values,
/// and writes the logits that a script wants after them.
/// </summary>
internal sealed class ScriptedReplies(ScriptedReplies.Script script, int vocabularySize) : IModelExecutor
{
    private readonly Dictionary<int, int> _tokenOfSlot = [];
    private readonly Dictionary<int, int> _promptLengths = []; // by the first block of a sequence
    private readonly ComputedSteps _steps = new();
    private readonly float[][] _logits = [[], []]; // the logits of a step stay while the next one is computed

    /// <summary>Writes the logits after a prompt and what was generated since; they are zero before.</summary>
    internal delegate void Script(ReadOnlySpan<int> prompt, ReadOnlySpan<int> output, Span<float> logits);

    /// <summary>Gets what happens before a step, on the engine's thread; the first step has number 1.</summary>
    public Action<int> BeforeStep { get; init; } = _ => { };

    public int StepCount { get; private set; }

    public int MaxStepsInFlight => 1;

    public void Begin(StepBatch batch) => _steps.Begin(() => Compute(batch), MaxStepsInFlight);

    public StepResult Complete() => _steps.Complete();

    public bool CanContinue() => true;

    public void Dispose()
    {
    }

    private StepResult Compute(StepBatch batch)
    {
        BeforeStep(++StepCount);
        for (var i = 0; i < batch.TokenIds.Length; i++)
        {
            _tokenOfSlot[batch.FullSlots[i]] = batch.TokenIds[i];
        }

        var length = batch.LogitsRows.Length * vocabularySize;
        ref var logits = ref _logits[StepCount % 2];
        logits = logits.Length < length ? new float[length] : logits;
        logits.AsSpan(0, length).Clear();
        var result = new StepResult(logits.AsMemory(0, length), vocabularySize);
        var row = 0;
        foreach (var slice in batch.Sequences)
        {
            if (batch.Positions[slice.TokenStart] == 0)
            {
                _promptLengths.Remove(slice.FullBlocks[0]);
            }

            if (row < batch.LogitsRows.Length && batch.LogitsRows[row] == slice.TokenStart + slice.TokenCount - 1)
            {
                Answer(slice, result.Row(row++));
            }
        }

        return result;
    }

    private void Answer(SequenceSlice slice, Span<float> logits)
    {
        var tokens = new int[slice.ContextLength];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = _tokenOfSlot[(slice.FullBlocks[i / PagedKVCache.BlockSize] * PagedKVCache.BlockSize) + (i % PagedKVCache.BlockSize)];
        }

        _promptLengths.TryAdd(slice.FullBlocks[0], tokens.Length);
        var promptLength = _promptLengths[slice.FullBlocks[0]];
        script(tokens.AsSpan(0, promptLength), tokens.AsSpan(promptLength), logits);
    }
}
