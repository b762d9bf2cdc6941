using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>Embedding, RMSNorm, rotation and the cache (<c>activations.cu</c>).</summary>
internal sealed class ActivationKernels(KernelLibrary kernels, CudaShape shape)
{
    private readonly nint _embed = kernels.Find("embed");
    private readonly nint _combineNorm = kernels.Find("combine_norm");
    private readonly nint _ropeAndStore = kernels.Find("rope_and_store");
    private readonly nint _copyBlocks = kernels.Find("copy_blocks");

    public static IEnumerable<KernelSource> Sources(CudaShape shape) =>
        [KernelSource.Of("activations", shape, ["common", "weights", "norm", "activations"])];

    /// <summary>Writes the embeddings of <paramref name="tokens"/> tokens into the residual.</summary>
    public void Embed(KernelStream stream, in EmbedParameters p, int tokens) => stream.Launch(_embed, (tokens, 1, 1), 256, 0, p);

    /// <summary>Adds what came before to the residual and normalizes <paramref name="rows"/> rows.</summary>
    public void CombineNorm(KernelStream stream, in NormParameters p, int rows) => stream.Launch(_combineNorm, (rows, 1, 1), 768, 0, p);

    /// <summary>Rotates queries in place; rotates keys into the cache; puts values there.</summary>
    public void RopeAndStore(KernelStream stream, in RopeParameters p, int tokens) =>
        stream.Launch(_ropeAndStore, (tokens, 1, 1), 320, 0, p);

    /// <summary>Copies blocks of one layer's cache.</summary>
    public void CopyBlocks(KernelStream stream, in CopyBlocksParameters p, int copies) =>
        stream.Launch(_copyBlocks, (copies, shape.KVHeads, 1), 128, 0, p);

    /// <param name="Residual">float <c>[tokens, hidden]</c>.</param>
    /// <param name="Table">bfloat16 <c>[vocabulary, the model's hidden]</c>, as in the checkpoint.</param>
    /// <param name="Tokens">int <c>[tokens]</c>; ~r: what row r of the step before chose.</param>
    /// <param name="Chosen">int <c>[rows]</c> of the step before.</param>
    /// <param name="Vocabulary">Rows of the table.</param>
    internal readonly record struct EmbedParameters(nint Residual, nint Table, nint Tokens, nint Chosen, int Vocabulary);

    /// <param name="Residual">float <c>[tokens, hidden]</c>.</param>
    /// <param name="Normed">bfloat16 <c>[rows, hidden]</c>; 0: only add.</param>
    /// <param name="Add">float <c>[tokens, parts, hidden]</c>.</param>
    /// <param name="Gain">bfloat16 <c>[hidden]</c>.</param>
    /// <param name="Rows">int <c>[rows]</c>: the tokens to normalize, whose residual stays as it is; 0: all.</param>
    /// <param name="Parts">How many rows are added for each token: none, 1, or its experts.</param>
    /// <param name="ForExperts">1: in the order that router and experts read.</param>
    internal readonly record struct NormParameters(nint Residual, nint Normed, nint Add, nint Gain, nint Rows, int Parts, int ForExperts);

    /// <param name="Qkv">bfloat16 <c>[tokens, query + 2 · key]</c>.</param>
    /// <param name="Keys">bfloat16 <c>[block, KV heads, 16, 64]</c>.</param>
    /// <param name="Values">Likewise.</param>
    /// <param name="Rotation">float2 (cos, sin) <c>[position, 32]</c>.</param>
    /// <param name="Positions">int <c>[tokens]</c>.</param>
    /// <param name="Slots">int <c>[tokens]</c>: block · 16 + place; negative: not stored.</param>
    internal readonly record struct RopeParameters(nint Qkv, nint Keys, nint Values, nint Rotation, nint Positions, nint Slots);

    /// <param name="Keys">bfloat16 <c>[block, KV heads, 16, 64]</c>.</param>
    /// <param name="Values">Likewise.</param>
    /// <param name="Copies">int2 (from, to); no block is both.</param>
    internal readonly record struct CopyBlocksParameters(nint Keys, nint Values, nint Copies);
}
