using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Execution;

/// <summary>Blocks that a step copies before it computes, with every executor.</summary>
public sealed class BlockCopyTests(LoadedExecutors executors) : IClassFixture<LoadedExecutors>
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public void Copied_blocks_give_the_same_bits_on_the_reference(bool float32, int stages) =>
        CopiedBlocksGiveTheSameBits(executors.Executor("a", float32, stages));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Copied_blocks_give_the_same_bits_on_the_cpu(bool fast)
    {
        var options = (fast ? CpuExecutorOptions.Fast : CpuExecutorOptions.Exact) with { Threads = 2 };
        var fixture = executors.Fixture("a");
        using var executor = CpuExecutor.Load(
            fixture.Config, fixture.Weights, LoadedExecutors.Capacity, options, new WeightReadProgress(0, (_, _) => { }, default));

        CopiedBlocksGiveTheSameBits(executor);
    }

    private static void CopiedBlocksGiveTheSameBits(IModelExecutor executor)
    {
        int[] tokens = [.. Enumerable.Range(0, 24).Select(i => (7 * i) + 3)];
        var original = new PackedSequence(tokens, [0, 1], [2, 3]);
        var copied = new PackedSequence(tokens, [4, 5], [6, 7]);
        BlockCopy[] copies =
        [
            new(AttentionKind.Full, 0, 4),
            new(AttentionKind.Sliding, 2, 8),
            new(AttentionKind.Sliding, 8, 6), // the copy of a copy
            new(AttentionKind.Full, 1, 5),
            new(AttentionKind.Sliding, 3, 7),
        ];

        // What lies where the copies go: the keys and values of other tokens.
        var other = copied with { Tokens = [.. tokens.Reverse()] };
        Run(executor, other.Step(0, 24));
        Run(executor, original.Step(0, 20));

        var uncopied = Run(executor, copied.Step(20, 4));
        var actual = Run(executor, copied.Step(20, 4, copies));
        var expected = Run(executor, original.Step(20, 4));

        actual.Should().Equal(expected);
        uncopied.Should().NotEqual(expected);
    }

    private static float[] Run(IModelExecutor executor, StepBatch batch)
    {
        executor.Begin(batch);
        return executor.Complete().Logits.ToArray();
    }
}
