using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>Packs a checkpoint's matrices for the kernels, at load (<c>pack.cu</c>, layouts in <c>weights.cu</c>).</summary>
internal sealed class PackKernels(KernelLibrary kernels)
{
    private const int Threads = 256;

    public static IEnumerable<KernelSource> Sources(CudaShape shape) => [KernelSource.Of("pack", shape, ["common", "weights", "pack"])];

    /// <summary>
    /// Packs rows of a dense matrix; needs <see cref="DenseWeights.Bytes"/>, and for int8 a float scale for each packed row.
    /// </summary>
    public void Strips(KernelStream stream, DenseFormat format, SourceFormat source, in Parameters p)
    {
        var chunks = (long)p.PackedRows * p.PackedK / 64;
        var (name, blocks) = format switch
        {
            DenseFormat.Bf16 => ("bf16", Blocks(chunks * 8)),
            DenseFormat.Int8 => ("int8", p.PackedRows),
            DenseFormat.Int4 => ("int4", Blocks(chunks * 10)),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
        };
        Launch(stream, $"pack_strip_{name}_from_{Name(source)}", blocks, p);
    }

    /// <summary>Packs rows of one expert's matrix; needs <see cref="ExpertWeights.Bytes"/>.</summary>
    public void Tiles(KernelStream stream, ExpertFormat format, SourceFormat source, in Parameters p)
    {
        var chunks = (long)p.PackedRows * p.PackedK / 64;
        var (name, blocks) = format switch
        {
            ExpertFormat.Mxfp4 => ("mxfp4", Blocks(chunks * 10)),
            ExpertFormat.Int4 => ("int4", Blocks(chunks * 10)),
            ExpertFormat.Bf16 => ("bf16", Blocks(chunks * 32)),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
        };
        Launch(stream, $"pack_tile_{name}_from_{Name(source)}", blocks, p);
    }

    /// <summary>Packs the router, [<see cref="CudaShape.RouterRows"/>, hidden]; needs <see cref="RouterBytes"/>.</summary>
    public void Router(KernelStream stream, SourceFormat source, in Parameters p) =>
        Launch(stream, $"pack_router_from_{Name(source)}", RouterBytes(p.PackedRows, p.PackedK) / (sizeof(uint) * Threads), p);

    /// <summary>Packs a bias or a gain to bfloat16.</summary>
    public void Vector(KernelStream stream, SourceFormat source, in Parameters p) =>
        Launch(stream, $"pack_vector_from_{Name(source)}", Blocks(p.PackedRows), p);

    /// <summary>The bytes of a packed router: ten shares of whole steps of 32 values.</summary>
    public static int RouterBytes(int rows, int hidden) => 10 * (rows / 16) * (((hidden / 32) + 9) / 10) * 1024;

    private void Launch(KernelStream stream, string name, int blocks, in Parameters p) =>
        stream.Launch(kernels.Find(name), (blocks, 1, 1), Threads, 0, p);

    private static int Blocks(long threads) => checked((int)((threads + Threads - 1) / Threads));

    private static string Name(SourceFormat source) => source.ToString().ToLowerInvariant();

    /// <summary>One matrix or vector of a checkpoint, or some rows of one, and where it goes.</summary>
    internal record struct Parameters
    {
        /// <summary>The packed form, from its first row on.</summary>
        public nint To;

        /// <summary>int8: a float for each packed row.</summary>
        public nint ScalesTo;

        /// <summary>The checkpoint's bytes on the device; AWQ: <c>qweight</c>.</summary>
        public nint From;

        /// <summary>MXFP4 and AWQ: the scales.</summary>
        public nint Scales;

        /// <summary>AWQ: <c>qzeros</c>.</summary>
        public nint Zeros;

        /// <summary>A counter that rises for everything that cannot be packed exactly: MXFP4 scales above 128.</summary>
        public nint Refused;

        public int Rows;
        public int K;
        public int PackedRows;
        public int PackedK;

        /// <summary>The source's row r becomes row <c>FirstRow + r · RowStep</c>.</summary>
        public int FirstRow;
        public int RowStep;

        /// <summary>Packed rows from here on are padding.</summary>
        public int PadFrom;

        /// <summary>The width of the heads over which rows run; 0: no heads.</summary>
        public int HeadRows;

        /// <summary>The width of the heads over which k runs; 0: no heads.</summary>
        public int HeadK;

        /// <summary>Elements between rows, and between neighbours in k, of a source that is not quantized.</summary>
        public int RowStride;
        public int KStride;

        /// <summary>AWQ: values of k that share a scale.</summary>
        public int GroupSize;

        /// <summary>Tiles: rows are gates and ups in turn. Vectors: padding is −∞.</summary>
        public int Alternate;

        /// <summary>A whole row-major matrix [rows, k] that fills the packed one but for padding at the ends.</summary>
        public static Parameters Whole(nint to, nint from, int rows, int k, int packedRows, int packedK) => new()
        {
            To = to,
            From = from,
            Rows = rows,
            K = k,
            PackedRows = packedRows,
            PackedK = packedK,
            RowStep = 1,
            PadFrom = rows,
            RowStride = k,
            KStride = 1,
        };
    }
}
