using System.Collections.Immutable;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>Kernels on an emulated device, arrays that go there and come back, and random values.</summary>
internal sealed unsafe class KernelBench : IDisposable
{
    /// <summary>What a kernel must not read shows up in its results.</summary>
    public const ushort Bf16NaN = 0x7FC0;

    private readonly EmulatedCudaDriver _driver;
    private readonly List<nint> _allocations = [];

    public KernelBench(uint turnOrder, IEnumerable<KernelSource> sources)
    {
        EmulatedKernelCompiler.Require();
        _driver = new EmulatedCudaDriver(turnOrder);
        Kernels = KernelLibrary.Load(
            _driver, new EmulatedKernelCompiler(), EmulatedKernelCompiler.Cache, [.. sources], report: null, CancellationToken.None);
        Stream = new KernelStream(_driver, 0, IsDependent: true);
    }

    /// <summary>Gets the orders of turns, for theories.</summary>
    public static TheoryData<uint> TurnOrders => new(EmulatedCudaDriver.TurnOrders);

    /// <summary>Gets a device that is not Hopper, and one that is.</summary>
    public static CudaProperties Ampere { get; } = new(DeviceId.Cuda(0), new Version(8, 0), 108, 163 * 1024, 164 * 1024);

    public static CudaProperties Ada { get; } = new(DeviceId.Cuda(0), new Version(8, 9), 128, 99 * 1024, 100 * 1024);

    public static CudaProperties Hopper { get; } = new(DeviceId.Cuda(0), new Version(9, 0), 132, 227 * 1024, 228 * 1024);

    /// <summary>Gets a model with widths that need padding: heads of 32 in groups of 2, 5 experts of which 3 count.</summary>
    public static CudaShape Odd { get; } = Shape(160, 96, heads: 4, kvHeads: 2, headDim: 32, experts: 5, topK: 3, vocabulary: 777);

    /// <summary>Gets a narrow model with the heads and experts of gpt-oss.</summary>
    public static CudaShape Narrow { get; } = Shape(320, 192, heads: 16, kvHeads: 2, headDim: 64, experts: 32, topK: 4, vocabulary: 1000);

    public static CudaShape GptOss20b { get; } =
        Shape(2880, 2880, heads: 64, kvHeads: 8, headDim: 64, experts: 32, topK: 4, vocabulary: 201088);

    public KernelLibrary Kernels { get; }

    public KernelStream Stream { get; }

    public static CudaShape Shape(
        int hidden, int intermediate, int heads, int kvHeads, int headDim, int experts, int topK, int vocabulary) => new(new ModelConfig
        {
            HiddenSize = hidden,
            IntermediateSize = intermediate,
            HeadCount = heads,
            KVHeadCount = kvHeads,
            HeadDim = headDim,
            ExpertCount = experts,
            ExpertsPerToken = topK,
            VocabularySize = vocabulary,
            SlidingWindow = 128,
            LayerKinds = ImmutableArray.Create(AttentionKind.Sliding, AttentionKind.Full),
            MaxPositions = 4096,
            Rope = new YarnParameters
            {
                Theta = 150000,
                Factor = 32,
                OriginalMaxPositions = 4096,
                BetaFast = 32,
                BetaSlow = 1,
                Truncate = false,
            },
            Quantization = QuantizationConfig.None,
        });

    /// <summary>Copies values to the device.</summary>
    public nint Upload<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        var address = Allocate<T>(values.Length);
        values.CopyTo(new Span<T>((void*)address, values.Length));
        return address;
    }

    public nint Upload<T>(T[] values)
        where T : unmanaged => Upload<T>(values.AsSpan());

    /// <summary>Makes room that holds poison.</summary>
    public nint Allocate<T>(long count)
        where T : unmanaged
    {
        var address = _driver.Allocate(count * sizeof(T));
        _allocations.Add(address);
        return address;
    }

    public T[] Download<T>(nint address, int count)
        where T : unmanaged => new ReadOnlySpan<T>((void*)address, count).ToArray();

    /// <summary>Frees everything that was allocated, so that the next case starts anew.</summary>
    public void Clear()
    {
        _allocations.ForEach(_driver.Free);
        _allocations.Clear();
        _driver.AllocatedBytes.Should().Be(0);
    }

    public void Dispose()
    {
        Clear();
        Kernels.Dispose();
        _driver.Dispose();
    }

    public static ushort[] RandomBf16(Random random, int count, double scale = 1, double mean = 0) =>
        [.. Enumerable.Range(0, count).Select(_ => Bf16Format.FromSingle((float)(mean + (scale * Normal(random)))))];

    public static float[] RandomFloats(Random random, int count, double scale = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(scale * Normal(random)))];

    public static float[] ToFloats(ushort[] bits) => [.. bits.Select(Bf16Format.ToSingle)];

    public static float Round(double value) => Bf16Format.ToSingle(Bf16Format.FromSingle((float)value));

    /// <summary>The relative error in the Frobenius norm; NaN where anything is not finite.</summary>
    public static double Error(IEnumerable<float> actual, IEnumerable<double> expected)
    {
        double difference = 0, norm = 0;
        foreach (var (a, e) in actual.Zip(expected))
        {
            difference += (a - e) * (a - e);
            norm += e * e;
        }

        return Math.Sqrt(difference / norm);
    }

    /// <summary>Where the value at k lies in activations for the experts (<c>weights.cu</c>, P64).</summary>
    public static int P64(int k) => (k & ~63) + ((k >> 3 & 1) << 5) + ((k & 3) << 3) + ((k >> 4 & 3) << 1) + (k >> 2 & 1);

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
