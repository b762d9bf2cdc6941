using System.Runtime.CompilerServices;
using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>
/// Samples rows of logits on the device (<c>sampling.cu</c>): the host sampler's rules, and a row's token depends on that row alone.
/// </summary>
internal sealed class SamplingKernels(KernelLibrary kernels)
{
    /// <summary>The most probable tokens that can be reported of a row.</summary>
    public const int MaxTop = 20;

    private const int Slices = 32;
    private const int Bins = 2048;
    private const int Candidates = 1024;
    private const int Threads = 256;

    private readonly nint _report = kernels.Find("sample_report");
    private readonly nint _adjust = kernels.Find("sample_adjust");
    private readonly nint _scan = kernels.Find("sample_scan");
    private readonly nint _histogram = kernels.Find("sample_histogram");
    private readonly nint _collect = kernels.Find("sample_collect");
    private readonly nint _choose = kernels.Find("sample_choose");
    private readonly nint _log = kernels.Find("sample_log");

    /// <summary>Gets the bytes that the kernels need for each row: <see cref="Parameters.Work"/>.</summary>
    public static int WorkBytesPerRow { get; } =
        (Bins * (sizeof(ulong) + sizeof(uint))) + (Candidates * sizeof(ulong))
            + (Slices * (sizeof(ulong) + (MaxTop * sizeof(ulong)) + 16 + 8)) + 8;

    public static IEnumerable<KernelSource> Sources(CudaShape shape) =>
        [KernelSource.Of("sampling", shape, ["common", "sampling", "sampling_draw", "sampling_log"])];

    /// <summary>Samples all rows; what no row needs is not launched.</summary>
    public void Sample(KernelStream stream, in Parameters p, int rows, SamplingNeeds needs)
    {
        if (needs.HasFlag(SamplingNeeds.LogProbabilities))
        {
            stream.Launch(_report, (Slices, rows, 1), Threads, 0, p);
        }

        if (needs.HasFlag(SamplingNeeds.Adjustments))
        {
            stream.Launch(_adjust, (rows, 1, 1), Threads, 0, p);
        }

        stream.Launch(_scan, (Slices, rows, 1), Threads, 0, p);
        if (needs.HasFlag(SamplingNeeds.Truncation))
        {
            stream.Launch(_histogram, (Slices, rows, 1), Threads, 0, p);
        }

        if (needs.HasFlag(SamplingNeeds.Draws))
        {
            stream.Launch(_collect, (Slices, rows, 1), Threads, 0, p);
        }

        stream.Launch(_choose, (rows, 1, 1), Threads, 0, p);
        if (needs.HasFlag(SamplingNeeds.LogProbabilities))
        {
            stream.Launch(_log, (rows, 1, 1), 32, 0, p);
        }
    }

    /// <param name="Logits">
    /// float <c>[rows, padded vocabulary]</c>; adjusted in place. Those of a row that is left to the host are the model's own.
    /// </param>
    /// <param name="Rows"><see cref="Row"/> <c>[rows]</c>.</param>
    /// <param name="Work"><see cref="WorkBytesPerRow"/> for each row.</param>
    /// <param name="Results"><see cref="Result"/> <c>[rows]</c>.</param>
    /// <param name="Chosen">int <c>[rows]</c>: the token, or −1 where there is none.</param>
    internal readonly record struct Parameters(nint Logits, nint Rows, nint Work, nint Results, nint Chosen);

    /// <summary>What is wanted of a row.</summary>
    internal record struct Row
    {
        /// <summary>Allowed tokens, a bit each, for the whole padded vocabulary; 0: all.</summary>
        public nint Mask;

        /// <summary><see cref="Adjustment"/>, at most one a token.</summary>
        public nint Adjustments;

        /// <summary>The row's random number, a fraction of 2⁶⁴.</summary>
        public ulong Random;

        public int AdjustmentCount;

        public RowFlags Flags;

        /// <summary>1 / temperature; 0: the most probable token.</summary>
        public float Scale;

        /// <summary>1: off.</summary>
        public float TopP;

        /// <summary>temperature · ln(min-p): how far below the largest logit a token may lie; −∞: off.</summary>
        public float MinOffset;

        /// <summary>0: off.</summary>
        public int TopK;

        public float RepetitionPenalty;

        public float PresencePenalty;

        public float FrequencyPenalty;

        /// <summary>How many of the most probable tokens are reported, at most <see cref="MaxTop"/>.</summary>
        public int TopCount;
    }

    /// <summary>How a token's logit changes before it is sampled.</summary>
    /// <param name="Token">Which.</param>
    /// <param name="Count">How often it is in the output; 0: in the prompt only; −1: no penalty.</param>
    /// <param name="Bias">What is added.</param>
    /// <param name="Original">Written by the kernel.</param>
    internal readonly record struct Adjustment(int Token, int Count, float Bias, float Original = 0);

    /// <summary>What came of a row.</summary>
    internal record struct Result
    {
        public int Token;
        public RowStatus Status;
        public float LogProbability;
        public int TopCount;
        public TopTokens Tokens;
        public TopLogs Logs;
    }

    [InlineArray(MaxTop)]
    internal struct TopTokens
    {
        private int _first;
    }

    [InlineArray(MaxTop)]
    internal struct TopLogs
    {
        private float _first;
    }

    [Flags]
    internal enum RowFlags
    {
        None = 0,

        /// <summary>The logits go to the host; nothing is sampled.</summary>
        ForHost = 1,

        /// <summary>The token's log-probability is wanted.</summary>
        LogProbability = 2,
    }

    internal enum RowStatus
    {
        Sampled = 0,

        /// <summary>The host has to sample this row: it asked for that, or its candidates did not fit.</summary>
        LeftToHost = 1,

        /// <summary>Some logit is not finite.</summary>
        NotFinite = 2,

        /// <summary>The mask forbids every token.</summary>
        NothingAllowed = 3,
    }
}
