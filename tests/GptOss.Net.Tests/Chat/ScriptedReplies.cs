using GptOss.Net.Execution;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Chat;

/// <summary>
/// An executor without a model: it remembers the tokens of each sequence in cache slots, as a model remembers keys and values,
/// and writes the logits that a script wants after them. Prompts must come whole: no prefix caching.
/// </summary>
internal sealed class ScriptedReplies(ScriptedReplies.Script script, int vocabularySize) : IModelExecutor
{
    private readonly Dictionary<int, (int PromptLength, Reply Reply)> _replies = []; // by the first block of a sequence
    private readonly ComputedSteps _steps = new();
    private float[] _logits = []; // of one step: it is the only one in flight
    private int[] _tokenOfSlot = [];

    /// <summary>Reads a prompt and gives what writes the logits after it.</summary>
    internal delegate Reply Script(ReadOnlySpan<int> prompt);

    /// <summary>Writes the logits after the tokens that were generated so far; they are zero before.</summary>
    internal delegate void Reply(ReadOnlySpan<int> output, Span<float> logits);

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
        Remember(batch);
        var length = batch.LogitsRows.Length * vocabularySize;
        _logits = _logits.Length < length ? new float[length] : _logits;
        _logits.AsSpan(0, length).Clear();
        var result = new StepResult(_logits.AsMemory(0, length), vocabularySize);
        var row = 0;
        foreach (var slice in batch.Sequences)
        {
            if (batch.Positions[slice.TokenStart] == 0)
            {
                _replies.Remove(slice.FullBlocks[0]);
            }

            if (row < batch.LogitsRows.Length && batch.LogitsRows[row] == slice.TokenStart + slice.TokenCount - 1)
            {
                Answer(slice, result.Row(row++));
            }
        }

        return result;
    }

    private void Remember(StepBatch batch)
    {
        for (var i = 0; i < batch.TokenIds.Length; i++)
        {
            var slot = batch.FullSlots[i];
            if (slot >= _tokenOfSlot.Length)
            {
                Array.Resize(ref _tokenOfSlot, 2 * (slot + 1));
            }

            _tokenOfSlot[slot] = batch.TokenIds[i];
        }
    }

    private void Answer(SequenceSlice slice, Span<float> logits)
    {
        if (!_replies.TryGetValue(slice.FullBlocks[0], out var known))
        {
            known = (slice.ContextLength, script(Tokens(slice, 0)));
            _replies.Add(slice.FullBlocks[0], known);
        }

        known.Reply(Tokens(slice, known.PromptLength), logits);
    }

    private int[] Tokens(SequenceSlice slice, int first)
    {
        var tokens = new int[slice.ContextLength - first];
        for (var i = 0; i < tokens.Length; i++)
        {
            var position = first + i;
            tokens[i] = _tokenOfSlot[(slice.FullBlocks[position / PagedKVCache.BlockSize] * PagedKVCache.BlockSize) + (position % PagedKVCache.BlockSize)];
        }

        return tokens;
    }
}
