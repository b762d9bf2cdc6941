using System.Numerics;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The sizes for which decode steps are recorded: a step takes the next larger one and pads.</summary>
internal static class StepBuckets
{
    private static readonly int[] Sizes = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256];

    /// <summary>Gets the most sequences of a recorded step.</summary>
    public static int Largest => Sizes[^1];

    /// <summary>The sequences of the graph that a step of so many takes; beyond the largest, their number.</summary>
    public static int RoundUp(int sequences) => Array.Find(Sizes, size => size >= sequences) is var size and > 0 ? size : sequences;

    /// <summary>The chunks of keys of the graph that a step with so many takes.</summary>
    public static int RoundUpChunks(int chunks) => (int)BitOperations.RoundUpToPowerOf2((uint)chunks);
}
