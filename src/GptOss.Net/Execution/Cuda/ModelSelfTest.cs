using System.Globalization;
using System.Text;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Sampling;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// Compares all families of kernels on the card at hand, with the model's own weights, before anybody gets an answer: one sequence,
/// computed in every way there is, must have the same bits.
/// </summary>
/// <remarks>The cache's blocks are used and left: whoever takes one writes it before reading.</remarks>
internal sealed class ModelSelfTest(CudaExecutor executor, ModelConfig config, KVCacheCapacity capacity, CudaExecutorOptions options)
{
    private const int Length = 20;
    private const int BlockSize = PagedKVCache.BlockSize;

    private readonly StringBuilder _report = new();

    private int Blocks => Math.Min(capacity.FullBlocks, capacity.SlidingBlocks);

    /// <exception cref="CudaException">Kernels disagree; the message says which.</exception>
    public void Run()
    {
        if (Blocks * BlockSize < Length)
        {
            return; // Too small a cache for any answer.
        }

        var expected = Prefill(0, Length, Length);
        foreach (var tokens in (int[])[40, 100, 300, 600, 1024, 2048])
        {
            if (tokens <= Math.Min(Math.Min(options.MaxStepTokens, options.MaxModelLength), Blocks * BlockSize))
            {
                Compare($"a prefill of {tokens} tokens", Prefill(0, tokens, Length), expected);
            }
        }

        _ = Prefill(0, Length - 7, Length - 7);
        Compare("a prefill in two chunks", Prefill(Length - 7, 7, 7), expected);
        foreach (var batch in (int[])[1, 2, 3, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256])
        {
            if (batch <= Math.Min(options.MaxSequences, Blocks - 2))
            {
                Compare($"decoding one of {batch} sequences", Decode(batch), expected);
            }
        }

        if (_report.Length > 0)
        {
            throw new CudaException(
                $"The CUDA kernels do not agree with each other on {executor.Device}: results would depend on the batch. "
                + $"The model was not loaded; Precision.Reference runs it on libtorch. "
                + $"Please report this card and driver.{Environment.NewLine}{_report}");
        }
    }

    private static int Token(int index, int vocabulary) => (int)((index * 7919L + 13) % vocabulary);

    /// <summary>The logits of one token of a step that computes some tokens of the first sequence.</summary>
    private float[] Prefill(int first, int count, int wanted)
    {
        var positions = Enumerable.Range(first, count).ToArray();
        var tables = new BlockTables(
            positions, new[] { 0, Blocks }, Enumerable.Range(0, Blocks).ToArray(), new int[1]); // Block i holds positions 16 i …
        return Result(wanted - 1, new StepBatch
        {
            TokenIds = positions.Select(position => Token(position, config.VocabularySize)).ToArray(),
            Positions = positions,
            SequenceStarts = new[] { 0, count },
            ContextLengths = new[] { first + count },
            Full = tables,
            Sliding = tables,
            LogitsRows = new[] { wanted - 1 },
            Rows = new RowSampling[1],
            Hidden = Hidden(positions),
        });
    }

    /// <summary>The logits of the first sequence's last token, decoded amid others that begin.</summary>
    private float[] Decode(int batch)
    {
        var place = batch / 2;
        var sequences = Enumerable.Range(0, batch).ToArray();
        int Position(int sequence) => sequence == place ? Length - 1 : 0;

        // The first two blocks are the sequence's; each of the others has one.
        int[] Table(int sequence) => sequence == place ? [0, 1] : [sequence + 2 - (sequence > place ? 1 : 0)];
        var starts = new int[batch + 1];
        foreach (var sequence in sequences)
        {
            starts[sequence + 1] = starts[sequence] + Table(sequence).Length;
        }

        var tables = new BlockTables(
            sequences.Select(sequence => (Table(sequence)[^1] * BlockSize) + (Position(sequence) % BlockSize)).ToArray(),
            starts,
            sequences.SelectMany(Table).ToArray(),
            new int[batch]);
        return Result(place, new StepBatch
        {
            TokenIds = sequences.Select(sequence => Token(sequence == place ? Length - 1 : sequence, config.VocabularySize)).ToArray(),
            Positions = sequences.Select(Position).ToArray(),
            SequenceStarts = Enumerable.Range(0, batch + 1).ToArray(),
            ContextLengths = sequences.Select(sequence => Position(sequence) + 1).ToArray(),
            Full = tables,
            Sliding = tables,
            LogitsRows = sequences,
            Rows = sequences.Select(sequence => sequence == place ? default : Greedy).ToArray(),
            Hidden = Hidden(sequences.Select(sequence => sequence == place ? Length - 1 : sequence)),
        });
    }

    private static RowSampling Greedy { get; } = new() { Options = new SamplingOptions { Temperature = 0 }, Bias = [] };

    /// <summary>What stands for the embeddings of tokens where the executor does not begin the model.</summary>
    private float[] Hidden(IEnumerable<int> tokens) => executor.Embeds
        ? []
        : [.. tokens.SelectMany(token => Enumerable.Range(0, config.HiddenSize).Select(i => ((token * 31) + (i * 17)) % 256 / 64f - 2))];

    /// <summary>The logits of a token, or its hidden state where the executor does not end the model.</summary>
    private float[] Result(int token, StepBatch step)
    {
        executor.Begin(step);
        var result = executor.Complete();
        return executor.Unembeds ? result.Logits.ToArray() : result.Hidden.Slice(token * config.HiddenSize, config.HiddenSize).ToArray();
    }

    private void Compare(string what, float[] actual, float[] expected)
    {
        var different = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            different += BitConverter.SingleToInt32Bits(actual[i]) == BitConverter.SingleToInt32Bits(expected[i]) ? 0 : 1;
        }

        if (different > 0)
        {
            _report.AppendLine(
                CultureInfo.InvariantCulture, $"{what}: {different:N0} of {expected.Length:N0} values differ from a short prefill's.");
        }
    }
}
