using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

/// <summary>A step in flight, and the blocks that its sequences had when it was begun.</summary>
internal sealed class SimulatedStep(StepPlan plan)
{
    private readonly (int[] Full, int[] Sliding)[] _blocks = [.. plan.Chunks.Select(chunk => Blocks(chunk.Sequence.Blocks))];

    public StepPlan Plan { get; } = plan;

    public bool HasItsBlocks => Plan.Chunks.Zip(_blocks).All(pair => Same(Blocks(pair.First.Sequence.Blocks), pair.Second));

    public bool Computes(Sequence sequence) => Plan.Chunks.Any(chunk => chunk.Sequence == sequence);

    private static (int[] Full, int[] Sliding) Blocks(SequenceBlocks blocks) => ([.. blocks.Full.Blocks], [.. blocks.Sliding.Blocks]);

    private static bool Same((int[] Full, int[] Sliding) left, (int[] Full, int[] Sliding) right) =>
        left.Full.SequenceEqual(right.Full) && left.Sliding.SequenceEqual(right.Sliding);
}
