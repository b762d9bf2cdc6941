using System.Runtime.InteropServices;
using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// Asks the matrix kernels of a device, at load, whether they compute what the host does, and whether all of their tiles have the same
/// bits.
/// </summary>
/// <remarks>
/// That <c>mma.sync</c> and <c>wgmma</c> add in one order was seen on the devices that we had, and is promised for none. A small matrix
/// with random bytes goes through every tile that the device would use: a few rows are computed by the host in double.
/// </remarks>
internal sealed unsafe class KernelSelfTest
{
    private const int DenseRows = 136;
    private const int CheckedRows = 4;
    private const double Tolerance = 4e-3; // bfloat16 results

    private readonly KernelStream _stream;
    private readonly KernelLibrary _kernels;
    private readonly CudaShape _shape;
    private readonly CudaProperties _device;
    private readonly Random _random = new(1);
    private readonly List<nint> _allocations = [];

    private KernelSelfTest(KernelStream stream, KernelLibrary kernels, CudaShape shape) =>
        (_stream, _kernels, _shape, _device) = (stream, kernels, shape, stream.Driver.Properties);

    /// <summary>Tests the kernels; the stream's work is awaited.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="kernels">The kernels of these formats.</param>
    /// <param name="shape">The model's widths.</param>
    /// <param name="attention">The format of the projections around attention.</param>
    /// <param name="head">The format of the output projection.</param>
    /// <param name="experts">The experts' format.</param>
    /// <exception cref="CudaException">Some kernel gives a wrong result, or one that depends on the number of tokens.</exception>
    public static void Run(
        KernelStream stream, KernelLibrary kernels, CudaShape shape, DenseFormat attention, DenseFormat head, ExpertFormat experts)
    {
        var test = new KernelSelfTest(stream, kernels, shape);
        try
        {
            test.Dense(DenseJob.Qkv, attention, shape.Hidden);
            test.Dense(DenseJob.Output, attention, shape.AttendedWidth);
            test.Dense(DenseJob.Head, head, shape.Hidden);
            test.Experts(experts);
        }
        finally
        {
            test._allocations.ForEach(stream.Driver.Free);
        }
    }

    private void Dense(DenseJob job, DenseFormat format, int k)
    {
        var strips = PackedBytes.Dense(_random, format, DenseRows, k);
        var scales = Enumerable.Repeat(1f, DenseRows).ToArray();
        var weights = new DenseWeights(format, Upload(strips), Upload(scales), 0, DenseRows, k);
        var tiles = DenseKernels.Tiles(job, _device, format, _shape.Parts);
        var counts = Reaching(tiles, pairs: 1).ToArray();
        var x = Activations(counts.Max() * k);
        var (input, output) = (Upload(x), Allocate<float>(counts.Max() * DenseRows));
        var kernels = new DenseKernels(_kernels, _device, _shape.Parts);
        float[]? first = null;
        foreach (var (tile, tokens) in tiles.Zip(counts))
        {
            kernels.Multiply(_stream, job, tile, weights, output, input, tokens);
            var row = job == DenseJob.Qkv
                ? ToFloats(Download<ushort>(output, DenseRows))
                : Download<float>(output, DenseRows);
            var expected = Enumerable.Range(DenseRows - CheckedRows, CheckedRows)
                .Select(r => Product(k, i => PackedBytes.Dense(strips, format, k, r, i), x));
            Compare($"{job} {format} {tile.Name} of {tokens} tokens", row, ref first, row[^CheckedRows..], [.. expected]);
        }
    }

    private void Experts(ExpertFormat format)
    {
        var (k, inner) = (_shape.Hidden, _shape.Intermediate);
        var (up, down) = (PackedBytes.Expert(_random, format, 2 * inner, k), PackedBytes.Expert(_random, format, _shape.Hidden, inner));
        var tiles = ExpertKernels.Tiles(up: true, _device, format);
        var kernels = new ExpertKernels(_kernels, _shape, _device);
        var counts = Reaching(tiles, _shape.TopK / (double)_shape.Experts).ToArray();
        var (tokens, topK) = (counts.Max(), _shape.TopK);
        var x = Activations(tokens * k);
        var b = new ExpertKernels.Buffers(
            Upload(x),
            Upload(new int[tokens * topK]), // every pair is one of expert 0
            Upload(Enumerable.Repeat(1f, tokens * topK).ToArray()),
            Allocate<int>(tokens * topK),
            Allocate<int>(4 * counts.Max(count => kernels.MaxTiles(format, count))),
            Allocate<int>(1),
            Allocate<ushort>(tokens * topK * inner),
            Allocate<float>(tokens * topK * _shape.Hidden));
        var zeros = Upload(new ushort[Math.Max(2 * inner, _shape.Hidden)]);
        var (upWeights, downWeights) =
            (new ExpertWeights(format, Upload(up), zeros, 2 * inner), new ExpertWeights(format, Upload(down), zeros, k));
        float[]? firstHidden = null, firstRow = null;
        foreach (var count in counts)
        {
            var what = $"experts {format} of {count} tokens";
            kernels.Sort(_stream, format, b, count);
            kernels.Run(_stream, upWeights, downWeights, b, count);
            var h = Download<ushort>(b.H, inner); // of pair 0, which is the first
            var features = Enumerable.Range(_shape.Config.IntermediateSize - CheckedRows, CheckedRows).ToArray();
            Compare(
                $"gate_up of {what}",
                ToFloats(h),
                ref firstHidden,
                [.. features.Select(feature => ToFloats(h)[PackedBytes.P64(feature)])],
                [.. features.Select(feature => SwiGlu(Up(2 * feature), Up((2 * feature) + 1)))]);
            var y = Download<float>(b.Y, _shape.Hidden);
            var rows = Enumerable.Range(_shape.Config.HiddenSize - CheckedRows, CheckedRows).ToArray();
            Compare(
                $"down of {what}",
                y,
                ref firstRow,
                [.. rows.Select(row => y[row])],
                [.. rows.Select(
                    row => Product(inner, i => PackedBytes.Expert(down, format, inner, row, i, alternate: false), h, PackedBytes.P64))]);
        }

        double Up(int row) => Product(k, i => PackedBytes.Expert(up, format, k, row, i, alternate: true), x, PackedBytes.P64);
    }

    private double SwiGlu(double gate, double up)
    {
        var limit = _shape.Config.SwiGluLimit;
        gate = Math.Min(gate, limit);
        return gate / (1 + Math.Exp(-1.702 * gate)) * (Math.Clamp(up, -limit, limit) + 1);
    }

    /// <summary>Token counts that reach each tile of a table, one each.</summary>
    private static IEnumerable<int> Reaching(IReadOnlyList<GemmTile> tiles, double pairs)
    {
        var before = 0;
        foreach (var tile in tiles)
        {
            yield return (int)Math.Ceiling((before + 1) / pairs);
            before = tile.MaxTokens == GemmTile.Any ? before : tile.MaxTokens;
        }
    }

    private void Compare(string what, float[] row, ref float[]? first, float[] actual, double[] expected)
    {
        var norm = Math.Sqrt(expected.Sum(value => value * value));
        var error = Math.Sqrt(actual.Zip(expected, (a, e) => (a - e) * (a - e)).Sum()) / norm;
        if (!(error < Tolerance))
        {
            throw new CudaException(
                $"{_device.Device} ({_device.Architecture}) fails the self-test: "
                + $"{what} differ from the host's result by {error:g2} (relative; at most {Tolerance:g2}). "
                + "Update the driver, or run on another device.");
        }

        first ??= row;
        if (!MemoryMarshal.AsBytes<float>(row).SequenceEqual(MemoryMarshal.AsBytes<float>(first)))
        {
            throw new CudaException(
                $"{_device.Device} ({_device.Architecture}) fails the self-test: {what} have other bits than fewer tokens. "
                + "Results would depend on what else runs.");
        }
    }

    private static double Product(int k, Func<int, double> weight, ushort[] x, Func<int, int>? place = null)
    {
        var sum = 0.0;
        for (var i = 0; i < k; i++)
        {
            sum += weight(i) * Bf16Format.ToSingle(x[place is null ? i : place(i)]);
        }

        return sum;
    }

    private static float[] ToFloats(ushort[] values) => [.. values.Select(Bf16Format.ToSingle)];

    private ushort[] Activations(int count)
    {
        var values = new ushort[count];
        for (var i = 0; i < count; i++)
        {
            values[i] = Bf16Format.FromSingle((float)((2 * _random.NextDouble()) - 1));
        }

        return values;
    }

    private nint Upload<T>(T[] values)
        where T : unmanaged
    {
        var address = Allocate<T>(values.Length);
        fixed (T* from = values)
        {
            _stream.Driver.Copy(address, (nint)from, (long)values.Length * sizeof(T), _stream.Handle);
            _stream.Driver.SynchronizeStream(_stream.Handle);
        }

        return address;
    }

    private T[] Download<T>(nint address, int count)
        where T : unmanaged
    {
        var values = new T[count];
        fixed (T* to = values)
        {
            _stream.Driver.Copy((nint)to, address, (long)count * sizeof(T), _stream.Handle);
            _stream.Driver.SynchronizeStream(_stream.Handle);
        }

        return values;
    }

    private nint Allocate<T>(int count)
        where T : unmanaged
    {
        var address = _stream.Driver.Allocate((long)count * sizeof(T));
        _allocations.Add(address);
        return address;
    }
}
