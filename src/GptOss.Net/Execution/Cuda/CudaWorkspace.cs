using System.Runtime.CompilerServices;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What a step computes with on one device, for so many tokens; addresses that stay, since graphs hold them.</summary>
/// <param name="Residual">float <c>[tokens, hidden]</c>.</param>
/// <param name="Normed">bfloat16 <c>[tokens, hidden]</c>.</param>
/// <param name="Qkv">bfloat16 <c>[tokens, query + 2 · key]</c>.</param>
/// <param name="Attended">bfloat16 <c>[tokens, query]</c>.</param>
/// <param name="Projected">float <c>[tokens, hidden]</c>: what attention adds to the residual.</param>
/// <param name="Partial">float, partial results of decode attention for <see cref="PartialChunks"/> chunks over all sequences.</param>
/// <param name="Experts">What routing and experts work on.</param>
/// <param name="Layered">What the kernels for one or two sequences have beside that.</param>
/// <param name="Logits">float <c>[rows, vocabulary]</c>, for each step in flight.</param>
internal sealed record CudaWorkspace(
    nint Residual,
    nint Normed,
    nint Qkv,
    nint Attended,
    nint Projected,
    nint Partial,
    ExpertKernels.Buffers Experts,
    CudaWorkspace.LayeredBuffers Layered,
    IReadOnlyList<nint> Logits)
{
    /// <summary>Rows of logits that are computed at a time, at least: a tile of the output projection.</summary>
    public const int LeastRows = 64;

    /// <summary>
    /// The chunks of keys, of all sequences of a step together, whose partial results have room: 64 sequences of 32k tokens. A step
    /// with more attends without them.
    /// </summary>
    public const int PartialChunks = 8_192;

    // Modules, streams, graphs, and what the driver rounds up.
    public const long DriverBytes = 256L << 20;

    /// <summary>Allocates all that.</summary>
    /// <param name="memory">Owns what is allocated.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="tokens">Of the largest step.</param>
    /// <param name="rows">Of logits that are computed at a time.</param>
    /// <param name="partialChunks">Of keys in decode attention.</param>
    /// <param name="logits">For how many steps there are logits.</param>
    public static CudaWorkspace Allocate(CudaMemory memory, CudaShape shape, int tokens, int rows, int partialChunks, int logits)
    {
        long pairs = (long)tokens * shape.TopK;
        var normed = memory.Allocate(Bf16(tokens, shape.Hidden));
        return new CudaWorkspace(
            memory.Allocate(Float(tokens, shape.Hidden)),
            normed,
            memory.Allocate(Bf16(tokens, shape.QkvWidth)),
            memory.Allocate(Bf16(tokens, shape.AttendedWidth)),
            memory.Allocate(Float(tokens, shape.Hidden)),
            memory.Allocate(AttentionKernels.PartialBytes(shape, 1, partialChunks)),
            new ExpertKernels.Buffers(
                normed,
                memory.Allocate(pairs * sizeof(int)),
                memory.Allocate(pairs * sizeof(float)),
                memory.Allocate(pairs * sizeof(int)),
                memory.Allocate(TileBytes(shape, tokens)),
                memory.Allocate(sizeof(int)),
                memory.Allocate(Bf16(pairs, shape.Intermediate)),
                memory.Allocate(Float(pairs, shape.Hidden))),
            new LayeredBuffers(
                memory.Allocate(LayeredKernels.MaxSequences * LayeredKernels.AttentionRowBytes(shape)),
                memory.AllocateZeros(LayeredKernels.CounterBytes(shape), stream: 0),
                memory.Allocate(LayeredKernels.RoutingBytes(shape))),
            [.. Enumerable.Range(0, logits).Select(_ => memory.Allocate(Float(rows, shape.Vocabulary)))]);
    }

    /// <summary>The bytes of all that, for the plan.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="options">The sizes.</param>
    /// <param name="devices">Of the whole model.</param>
    /// <param name="sharers">How many of them share every layer; 1: none.</param>
    public static WorkspaceEstimate Estimate(ModelConfig config, CudaExecutorOptions options, int devices, int sharers = 1)
    {
        var (maxStepTokens, maxSequences, maxModelLength) = options;
        var shape = new CudaShape(config, sharers);
        var tokens = Tokens(maxStepTokens, maxSequences);
        var pairs = (long)tokens * shape.TopK;
        var activations = Float(tokens, 2 * shape.Hidden) + Bf16(tokens, shape.Hidden + shape.QkvWidth + shape.AttendedWidth)
            + Bf16(pairs, shape.Intermediate) + Float(pairs, shape.Hidden) + TileBytes(shape, tokens)
            + (pairs * ((2 * sizeof(int)) + sizeof(float))) + sizeof(int)
            + (LayeredKernels.MaxSequences * LayeredKernels.AttentionRowBytes(shape)) + LayeredKernels.CounterBytes(shape)
            + LayeredKernels.RoutingBytes(shape);
        var chosen = (long)Rows(maxSequences) * sizeof(int);
        var partial = AttentionKernels.PartialBytes(shape, 1, Chunks(maxSequences, maxModelLength));
        return new WorkspaceEstimate(
            DriverBytes + activations + partial + Loading.RotationTable.Bytes(maxModelLength)
                + StepInputs.Bytes(tokens, TableEntries(options, tokens))
                + (sharers > 1 ? CudaExchange.Bytes(shape, options) : chosen),
            CudaExecutor.StepsInFlight(devices / sharers) * Float(Rows(maxSequences), shape.Vocabulary))
        {
            PerStage = sizeof(uint), // of the loader
            PageLocked = sharers > 1 ? sharers * CudaExchange.PageLocked(shape, options) : 0,
            Sampling = SamplingInputs.Bytes(shape, Rows(maxSequences)) + chosen
                + ((long)Rows(maxSequences) * (SamplingKernels.WorkBytesPerRow + Unsafe.SizeOf<SamplingKernels.Result>())),
        };
    }

    /// <summary>Tokens of the largest step: also a padded batch of all sequences.</summary>
    public static int Tokens(int maxStepTokens, int maxSequences) => Math.Max(maxStepTokens, StepBuckets.RoundUp(maxSequences));

    public static int Rows(int maxSequences) => Math.Max(LeastRows, maxSequences);

    public static int Chunks(int maxSequences, int maxModelLength) => (int)Math.Min(
        PartialChunks,
        (long)StepBuckets.RoundUp(maxSequences) * StepBuckets.RoundUpChunks(
            AttentionKernels.Chunks(maxModelLength, AttentionKernels.NoWindow)));

    /// <summary>Entries of the block tables of a step, of both kinds.</summary>
    public static int TableEntries(CudaExecutorOptions options, int tokens)
    {
        var sequences = (long)Math.Min(tokens, options.MaxSequences);
        return checked((int)(2 * sequences * (KVCache.PagedKVCache.BlockCount(options.MaxModelLength) + 1)));
    }

    /// <param name="Attended">What attention gives to the output projection.</param>
    /// <param name="Counters">Zeros between two launches.</param>
    /// <param name="Routing">The experts of each sequence.</param>
    internal readonly record struct LayeredBuffers(nint Attended, nint Counters, nint Routing);

    private static long Float(long rows, int width) => rows * width * sizeof(float);

    private static long Bf16(long rows, int width) => rows * width * sizeof(ushort);

    private static long TileBytes(CudaShape shape, int tokens) => 4L * sizeof(int) * (((long)tokens * shape.TopK / 8) + shape.RouterRows);
}
