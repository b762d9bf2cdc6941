using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>Attention of several sequences: <c>attention_prefill.cu</c> and <c>attention_decode.cu</c>, with the same bits.</summary>
internal sealed class AttentionKernels(KernelLibrary kernels, CudaShape shape)
{
    /// <summary>Keys that one block of the decode kernel reads.</summary>
    public const int ChunkKeys = 256;

    /// <summary>A window that hides no key.</summary>
    public const int NoWindow = 1 << 30;

    /// <summary>Threads of a block that merges.</summary>
    public const int MergeThreads = 128;

    private const int StageBytes = 2 * 64 * 128;

    private readonly nint _prefill = kernels.Find("attention_prefill");
    private readonly nint _decode = kernels.Find("attention_decode");
    private readonly nint _merge = kernels.Find("attention_merge");

    public static IEnumerable<KernelSource> Sources(CudaShape shape) =>
    [
        KernelSource.Of("attention_prefill", shape, ["common", "attention", "attention_prefill"]),
        KernelSource.Of("attention_decode", shape, ["common", "attention", "attention_decode"]),
    ];

    /// <summary>The most tokens of one sequence that a tile of the prefill has.</summary>
    public static int PrefillTokens(CudaShape shape) => 128 / shape.Group;

    /// <summary>The most chunks that a query looks at.</summary>
    /// <param name="keys">The longest sequence of the step.</param>
    /// <param name="window">How many keys count.</param>
    public static int Chunks(int keys, int window) => window >= keys
        ? (keys + ChunkKeys - 1) / ChunkKeys
        : Math.Min((keys + ChunkKeys - 1) / ChunkKeys, ((window + 62) / ChunkKeys) + 2);

    /// <summary>Bytes of the decode kernel's partial results.</summary>
    public static long PartialBytes(CudaShape shape, int sequences, int chunks) =>
        (long)sequences * shape.QueryHeads * chunks * 66 * sizeof(float);

    /// <summary>Attends with tiles of tokens.</summary>
    public void Prefill(KernelStream stream, in PrefillParameters p, int tiles) =>
        stream.Launch(_prefill, (tiles, shape.KVHeads, 1), 256, (2 * StageBytes) + (36 * 1024), p);

    /// <summary>Attends with one token of each sequence.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="p">What to read and write.</param>
    /// <param name="sequences">The first sequences of the step.</param>
    /// <param name="chunks">At most <see cref="DecodeParameters.PartialChunks"/>; at least those of the longest sequence.</param>
    public void Decode(KernelStream stream, in DecodeParameters p, int sequences, int chunks)
    {
        DecodeChunks(stream, p, sequences, chunks);
        stream.Launch(_merge, MergeGrid(shape, sequences), MergeThreads, 0, p);
    }

    /// <summary>The same without the merge.</summary>
    public void DecodeChunks(KernelStream stream, in DecodeParameters p, int sequences, int chunks) =>
        stream.Launch(_decode, (chunks, shape.KVHeads, sequences), 32, 2 * StageBytes, p);

    /// <summary>The blocks that merge: a warp a head.</summary>
    public static (int X, int Y, int Z) MergeGrid(CudaShape shape, int sequences) => ((shape.QueryHeads + 3) / 4, sequences, 1);

    /// <param name="Out">bfloat16 <c>[tokens, attended]</c>, from the first head's values on.</param>
    /// <param name="Qkv">bfloat16 <c>[tokens, query + 2 · key]</c>, rotated.</param>
    /// <param name="Keys">bfloat16 <c>[block, KV heads, 16, 64]</c>; the tokens' own keys are there.</param>
    /// <param name="Values">Likewise.</param>
    /// <param name="Starts">int <c>[sequences]</c>: the block of key k is <c>Blocks[Starts[sequence] + k / 16]</c>.</param>
    /// <param name="Blocks">int, flat.</param>
    /// <param name="Sinks">bfloat16 <c>[query heads]</c>.</param>
    /// <param name="Tiles">int4 (sequence, first token, its position, tokens), ascending by position.</param>
    /// <param name="Window">How many keys count, or <see cref="NoWindow"/>.</param>
    internal readonly record struct PrefillParameters(
        nint Out, nint Qkv, nint Keys, nint Values, nint Starts, nint Blocks, nint Sinks, nint Tiles, int Window);

    /// <param name="Out">bfloat16 <c>[tokens, attended]</c>, from the first head's values on.</param>
    /// <param name="Partial">float, <see cref="AttentionKernels.PartialBytes"/>.</param>
    /// <param name="Qkv">bfloat16 <c>[tokens, query + 2 · key]</c>, rotated.</param>
    /// <param name="Keys">bfloat16 <c>[block, KV heads, 16, 64]</c>; the tokens' own keys are there.</param>
    /// <param name="Values">Likewise.</param>
    /// <param name="Starts">int <c>[sequences]</c>: the block of key k is <c>Blocks[Starts[sequence] + k / 16]</c>.</param>
    /// <param name="Blocks">int, flat.</param>
    /// <param name="Lengths">int <c>[sequences]</c>: keys, the new one included; 0: no sequence.</param>
    /// <param name="TokenOf">int <c>[sequences]</c>: each sequence's token; 0: token i is sequence i's.</param>
    /// <param name="Sinks">bfloat16 <c>[query heads]</c>.</param>
    /// <param name="PartialChunks">For how many chunks of a sequence there is room in <paramref name="Partial"/>.</param>
    /// <param name="Window">How many keys count, or <see cref="NoWindow"/>.</param>
    internal readonly record struct DecodeParameters(
        nint Out,
        nint Partial,
        nint Qkv,
        nint Keys,
        nint Values,
        nint Starts,
        nint Blocks,
        nint Lengths,
        nint TokenOf,
        nint Sinks,
        int PartialChunks,
        int Window);
}
