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
        var length = batch.RowCount * vocabularySize;
        _logits = _logits.Length < length ? new float[length] : _logits;
        _logits.AsSpan(0, length).Clear();
        var result = new StepResult(_logits.AsMemory(0, length), vocabularySize);
        var row = 0;
        for (var sequence = 0; sequence < batch.SequenceCount; sequence++)
        {
            var (blocks, contextLength) = (batch.Full.Of(sequence).ToArray(), batch.ContextLengths.Span[sequence]);
            if (batch.Positions.Span[batch.SequenceStarts.Span[sequence]] == 0)
            {
                _replies.Remove(blocks[0]);
            }

            while (row < batch.RowCount && batch.LogitsRows.Span[row] == batch.SequenceStarts.Span[sequence + 1] - 1)
            {
                Answer(blocks, contextLength, result.Row(row++));
            }
        }

        return result;
    }

    private void Remember(StepBatch batch)
    {
        for (var i = 0; i < batch.TokenCount; i++)
        {
            var slot = batch.Full.Slots.Span[i];
            if (slot >= _tokenOfSlot.Length)
            {
                Array.Resize(ref _tokenOfSlot, 2 * (slot + 1));
            }

            _tokenOfSlot[slot] = batch.TokenIds.Span[i];
        }
    }

    private void Answer(int[] blocks, int contextLength, Span<float> logits)
    {
        if (!_replies.TryGetValue(blocks[0], out var known))
        {
            known = (contextLength, script(Tokens(blocks, 0, contextLength)));
            _replies.Add(blocks[0], known);
        }

        known.Reply(Tokens(blocks, known.PromptLength, contextLength), logits);
    }

    private int[] Tokens(int[] blocks, int first, int end)
    {
        var tokens = new int[end - first];
        for (var i = 0; i < tokens.Length; i++)
        {
            var position = first + i;
            tokens[i] =
                _tokenOfSlot[(blocks[position / PagedKVCache.BlockSize] * PagedKVCache.BlockSize) + (position % PagedKVCache.BlockSize)];
        }

        return tokens;
    }
}
