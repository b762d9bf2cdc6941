using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The activations of a step of up to <see cref="TokenCapacity"/> tokens. Sizes are padded to whole blocks of 32.</summary>
internal sealed unsafe class CpuWorkspace : IDisposable
{
    /// <summary>Tokens that share the decoding of a weight block; their sums stay in the first-level cache.</summary>
    public const int TileTokens = 128;

    private const int TileGroups = 2;

    private readonly CpuMemory _memory = new();

    public CpuWorkspace(ModelConfig config, ActivationFormats formats, int threads, int tokenCapacity)
    {
        TokenCapacity = tokenCapacity;
        HiddenStride = Pad(config.HiddenSize);
        QueryStride = Pad(config.QuerySize);
        KVStride = Pad(config.KVSize);
        Residual = Floats(HiddenStride);
        Normalized = Floats(HiddenStride);
        Queries = Floats(QueryStride);
        Keys = Floats(KVStride);
        Values = Floats(KVStride);
        Cosines = Floats(config.HeadDim / 2);
        Sines = Floats(config.HeadDim / 2);
        AttentionInput = new ActivationBuffer(_memory, formats.Attention, tokenCapacity, config.HiddenSize);
        AttentionOutput = new ActivationBuffer(_memory, formats.AttentionOutput, tokenCapacity, config.QuerySize);
        MlpInput = new ActivationBuffer(_memory, formats.Mlp, tokenCapacity, config.HiddenSize);
        LogitsInput = new ActivationBuffer(_memory, formats.Unembedding, tokenCapacity, config.HiddenSize);
        RouterInput = (byte**)_memory.AllocateUninitialized<nint>(tokenCapacity);
        for (var token = 0; token < tokenCapacity; token++)
        {
            RouterInput[token] = (byte*)(Normalized + ((long)token * HiddenStride));
        }

        var slots = tokenCapacity * config.ExpertsPerToken;
        Gated = new ActivationBuffer(_memory, formats.Down, slots, config.IntermediateSize);
        Routing = new ExpertRouting(config.ExpertCount, config.ExpertsPerToken, tokenCapacity);
        SlotInput = (byte**)_memory.AllocateUninitialized<nint>(slots);
        SumsStride = TileTokens * RowGroup.Rows;
        Sums = new float*[threads];
        AttentionHeads = new float*[threads];
        RouterLogits = new float*[threads];
        for (var thread = 0; thread < threads; thread++)
        {
            Sums[thread] = _memory.AllocateUninitialized<float>(TileGroups * SumsStride);
            AttentionHeads[thread] = _memory.AllocateUninitialized<float>(QueryStride);
            RouterLogits[thread] = _memory.AllocateUninitialized<float>(TileTokens * Pad(config.ExpertCount));
        }

        float* Floats(int stride) => _memory.Allocate<float>((long)tokenCapacity * stride);
    }

    public int TokenCapacity { get; }

    /// <summary>The memory of steps of up to so many tokens, rounded up; the logits of all of them included.</summary>
    public static WorkspaceEstimate Estimate(ModelConfig config, int maxStepTokens)
    {
        var wide = (6L * config.HiddenSize) + (4L * config.QuerySize) + (4L * config.ExpertsPerToken * config.IntermediateSize);
        return new WorkspaceEstimate(
            (32L << 20) + (2L * sizeof(float) * maxStepTokens * wide), (long)sizeof(float) * maxStepTokens * config.VocabularySize);
    }

    public int HiddenStride { get; }

    public int QueryStride { get; }

    public int KVStride { get; }

    /// <summary>Gets the residual stream, float32 <c>[tokens, hidden]</c>.</summary>
    public float* Residual { get; }

    /// <summary>Gets what a norm made of it, <c>[tokens, hidden]</c>.</summary>
    public float* Normalized { get; }

    /// <summary>Gets the queries, <c>[tokens, heads · headDim]</c>.</summary>
    public float* Queries { get; }

    /// <summary>Gets the keys, <c>[tokens, kvHeads · headDim]</c>.</summary>
    public float* Keys { get; }

    /// <summary>Gets the values, <c>[tokens, kvHeads · headDim]</c>.</summary>
    public float* Values { get; }

    /// <summary>Gets the cosines of the tokens' positions, <c>[tokens, headDim / 2]</c>.</summary>
    public float* Cosines { get; }

    /// <summary>Gets the sines of the tokens' positions, <c>[tokens, headDim / 2]</c>.</summary>
    public float* Sines { get; }

    /// <summary>Gets the input of the query, key and value projections, <c>[tokens, hidden]</c>.</summary>
    public ActivationBuffer AttentionInput { get; }

    /// <summary>Gets the input of the attention's output projection, <c>[tokens, heads · headDim]</c>.</summary>
    public ActivationBuffer AttentionOutput { get; }

    /// <summary>Gets the input of the experts, <c>[tokens, hidden]</c>.</summary>
    public ActivationBuffer MlpInput { get; }

    /// <summary>Gets the input of the output projection, <c>[logits rows, hidden]</c>.</summary>
    public ActivationBuffer LogitsInput { get; }

    /// <summary>Gets a pointer to each row of <see cref="Normalized"/>.</summary>
    public byte** RouterInput { get; }

    /// <summary>Gets which token goes to which expert.</summary>
    public ExpertRouting Routing { get; }

    /// <summary>Gets a pointer to each slot's row of <see cref="MlpInput"/>.</summary>
    public byte** SlotInput { get; }

    /// <summary>Gets the gated activations, <c>[slots, intermediate]</c>.</summary>
    public ActivationBuffer Gated { get; }

    /// <summary>Gets the float32 of a row group's sums.</summary>
    public int SumsStride { get; }

    /// <summary>Gets each thread's sums, <c>[2, <see cref="TileTokens"/>, 32]</c>.</summary>
    public float*[] Sums { get; }

    /// <summary>Gets each thread's heads of one key-value head.</summary>
    public float*[] AttentionHeads { get; }

    /// <summary>Gets each thread's router logits, <c>[<see cref="TileTokens"/>, experts]</c>.</summary>
    public float*[] RouterLogits { get; }

    public void Dispose() => _memory.Dispose();

    public static int Pad(int size) => RowGroup.Blocks(size) * RowGroup.BlockColumns;
}
