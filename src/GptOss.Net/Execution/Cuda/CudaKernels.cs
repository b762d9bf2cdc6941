using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>All kernels of one device, for a model's widths and formats.</summary>
internal sealed class CudaKernels : IDisposable
{
    private readonly KernelLibrary _library;
    private readonly PairKernels? _pair;
    private readonly ExchangeKernels? _exchange;

    private CudaKernels(KernelLibrary library, CudaShape shape, CudaProperties device)
    {
        _library = library;
        Pack = new PackKernels(library);
        Activations = new ActivationKernels(library, shape);
        Attention = new AttentionKernels(library, shape);
        Dense = new DenseKernels(library, device, shape.Parts);
        Experts = new ExpertKernels(library, shape, device);
        Layered = new LayeredKernels(library, shape, device);
        _pair = shape.Parts == 2 ? new PairKernels(library, shape, device) : null;
        _exchange = shape.Parts > 1 ? new ExchangeKernels(library, shape) : null;
        Sampling = new SamplingKernels(library);
    }

    public PackKernels Pack { get; }

    public ActivationKernels Activations { get; }

    public AttentionKernels Attention { get; }

    public DenseKernels Dense { get; }

    public ExpertKernels Experts { get; }

    /// <summary>Gets the kernels for one or two sequences that decode.</summary>
    public LayeredKernels Layered { get; }

    /// <summary>Gets the same of a card that shares every layer with another one.</summary>
    public PairKernels Pair => _pair ?? throw new InvalidOperationException("The card shares nothing.");

    public ExchangeKernels Exchange => _exchange ?? throw new InvalidOperationException("The card shares nothing.");

    public SamplingKernels Sampling { get; }

    /// <summary>Compiles what the cache does not hold, and loads everything.</summary>
    public static CudaKernels Load(
        ICudaDriver driver,
        IKernelCompiler compiler,
        KernelCache cache,
        CudaShape shape,
        CudaFormats formats,
        Action<int, int>? report,
        CancellationToken cancellationToken)
    {
        var device = driver.Properties;
        KernelSource[] sources =
        [
            .. PackKernels.Sources(shape),
            .. ActivationKernels.Sources(shape),
            .. AttentionKernels.Sources(shape),
            .. DenseKernels.Sources(shape, device, formats.Attention, formats.Unembedding),
            .. ExpertKernels.Sources(shape, device, formats.Experts),
            .. shape.Parts switch
            {
                1 => LayeredKernels.Sources(shape, device, formats.Attention, formats.Unembedding, formats.Experts),
                2 => PairKernels.Sources(shape, device, formats.Attention, formats.Unembedding, formats.Experts),
                _ => [LayeredKernels.AttentionSource(shape)],
            },
            .. shape.Parts == 1 ? [] : ExchangeKernels.Sources(shape),
            .. SamplingKernels.Sources(shape),
        ];
        var library = KernelLibrary.Load(driver, compiler, cache, sources, report, cancellationToken);
        try
        {
            return new CudaKernels(library, shape, device);
        }
        catch
        {
            library.Dispose();
            throw;
        }
    }

    /// <summary>Tests the matrix kernels on the device at hand; they need some memory for that, which is given back.</summary>
    /// <exception cref="CudaException">Some kernel is wrong, or its result depends on the number of tokens.</exception>
    public void Test(ICudaDriver driver, CudaShape shape, CudaFormats formats)
    {
        var stream = driver.CreateStream();
        try
        {
            KernelSelfTest.Run(
                new KernelStream(driver, stream, IsDependent: false), _library, shape, formats.Attention, formats.Unembedding,
                formats.Experts);
        }
        finally
        {
            driver.DestroyStream(stream);
        }
    }

    public void Dispose() => _library.Dispose();
}
