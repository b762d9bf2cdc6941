using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>Random router and experts of one layer on the emulated device, and what plain arithmetic says of them.</summary>
internal sealed class ExpertModel : IDisposable
{
    private const int MaxTokens = 256;

    private readonly CudaShape _shape;
    private readonly float[] _x; // [MaxTokens, the model's hidden]
    private readonly float[] _router;
    private readonly float[] _routerBias;
    private readonly float[][] _up; // [experts][2 · intermediate, hidden], gates and ups in turn
    private readonly float[][] _down;
    private readonly float[] _upBias;
    private readonly float[] _downBias;

    public ExpertModel(uint turnOrder, CudaShape shape, CudaProperties device, ExpertFormat format)
    {
        (_shape, Format) = (shape, format);
        Bench = new KernelBench(turnOrder, [.. PackKernels.Sources(shape), .. ExpertKernels.Sources(shape, device, format)]);
        Kernels = new ExpertKernels(Bench.Kernels, shape, device);
        var (random, config) = (new Random(2), shape.Config);
        var (hidden, intermediate) = (config.HiddenSize, config.IntermediateSize);
        _x = KernelBench.ToFloats(KernelBench.RandomBf16(random, MaxTokens * hidden));
        var router = KernelBench.RandomBf16(random, config.ExpertCount * hidden, 0.1);
        var routerBias = KernelBench.RandomBf16(random, config.ExpertCount, 0.1);
        (_router, _routerBias) = (KernelBench.ToFloats(router), KernelBench.ToFloats(routerBias));
        Router = PackRouter(router, routerBias);
        (Up, _up, _upBias) = PackExperts(random, 2 * intermediate, hidden, 2 * shape.Intermediate, shape.Hidden);
        (Down, _down, _downBias) = PackExperts(random, hidden, intermediate, shape.Hidden, shape.Intermediate);
    }

    public ExpertFormat Format { get; }

    public KernelBench Bench { get; }

    public ExpertKernels Kernels { get; }

    public ExpertKernels.RouterWeights Router { get; }

    public ExpertWeights Up { get; }

    public ExpertWeights Down { get; }

    public ExpertKernels.Buffers Buffers(int tokens)
    {
        var x = new ushort[tokens * _shape.Hidden];
        var hidden = _shape.Config.HiddenSize;
        for (var i = 0; i < tokens * hidden; i++)
        {
            x[(i / hidden * _shape.Hidden) + KernelBench.P64(i % hidden)] = Bf16Format.FromSingle(_x[i]);
        }

        var pairs = tokens * _shape.TopK;
        return new ExpertKernels.Buffers(
            Bench.Upload(x),
            Bench.Allocate<int>(pairs),
            Bench.Allocate<float>(pairs),
            Bench.Allocate<int>(pairs),
            Bench.Allocate<int>(4 * Kernels.MaxTiles(Format, tokens)),
            Bench.Allocate<int>(1),
            Bench.Allocate<ushort>((long)pairs * _shape.Intermediate),
            Bench.Allocate<float>((long)pairs * _shape.Hidden));
    }

    /// <summary>A token's experts, the heaviest first, and their shares.</summary>
    public (int[] Experts, double[] Shares) Choose(int token)
    {
        var logits = Product(_router, Row(token), _shape.Experts).Select((value, expert) => value + _routerBias[expert]).ToArray();
        var chosen = Enumerable.Range(0, _shape.Experts).OrderByDescending(expert => logits[expert]).Take(_shape.TopK).ToArray();
        var total = chosen.Sum(expert => Math.Exp(logits[expert] - logits[chosen[0]]));
        return (chosen, [.. chosen.Select(expert => Math.Exp(logits[expert] - logits[chosen[0]]) / total)]);
    }

    /// <summary>One expert's output for a token, padded.</summary>
    public double[] Expert(int token, int expert)
    {
        var (hidden, intermediate) = (_shape.Config.HiddenSize, _shape.Config.IntermediateSize);
        var both = Product(_up[expert], Row(token), 2 * intermediate)
            .Select((value, row) => value + _upBias[(expert * 2 * intermediate) + row]).ToArray();
        var activated = Enumerable.Range(0, intermediate).Select(feature =>
        {
            var (gate, up) = (Math.Min(both[2 * feature], 7), Math.Clamp(both[(2 * feature) + 1], -7, 7));
            return KernelBench.Round(gate / (1 + Math.Exp(-1.702 * gate)) * (up + 1));
        }).ToArray();
        var result = new double[_shape.Hidden];
        Product(_down[expert], activated, hidden).Select((value, row) => value + _downBias[(expert * hidden) + row]).ToArray()
            .CopyTo(result, 0);
        return result;
    }

    public void Dispose() => Bench.Dispose();

    private float[] Row(int token) => _x.AsSpan(token * _shape.Config.HiddenSize, _shape.Config.HiddenSize).ToArray();

    private static double[] Product(float[] matrix, float[] x, int rows) =>
        [.. Enumerable.Range(0, rows).Select(row => x.Select((value, k) => (double)value * matrix[(row * x.Length) + k]).Sum())];

    private ExpertKernels.RouterWeights PackRouter(ushort[] router, ushort[] bias)
    {
        var (pack, experts, hidden) = (new PackKernels(Bench.Kernels), _shape.Experts, _shape.Config.HiddenSize);
        var rows = Bench.Allocate<byte>(PackKernels.RouterBytes(_shape.RouterRows, _shape.Hidden));
        pack.Router(
            Bench.Stream,
            SourceFormat.Bf16,
            PackKernels.Parameters.Whole(rows, Bench.Upload(router), experts, hidden, _shape.RouterRows, _shape.Hidden));
        var packedBias = Bench.Allocate<ushort>(_shape.RouterRows);
        pack.Vector(
            Bench.Stream,
            SourceFormat.Bf16,
            PackKernels.Parameters.Whole(packedBias, Bench.Upload(bias), experts, 1, _shape.RouterRows, 1) with { Alternate = 1 });
        return new ExpertKernels.RouterWeights(rows, packedBias);
    }

    private (ExpertWeights Weights, float[][] Values, float[] Bias) PackExperts(Random random, int rows, int k, int packedRows, int packedK)
    {
        var bytes = ExpertWeights.Bytes(Format, packedRows, packedK);
        var tiles = Bench.Allocate<byte>(bytes * _shape.Experts);
        var isUp = rows == 2 * _shape.Config.IntermediateSize;
        var values = Enumerable.Range(0, _shape.Experts)
            .Select(expert => Pack(random, tiles + (nint)(expert * bytes), rows, k, packedRows, packedK, isUp)).ToArray();
        var bias = KernelBench.RandomBf16(random, _shape.Experts * rows, 0.1);
        var padded = new ushort[_shape.Experts * packedRows];
        for (var i = 0; i < bias.Length; i++)
        {
            padded[(i / rows * packedRows) + (i % rows)] = bias[i];
        }

        return (new ExpertWeights(Format, tiles, Bench.Upload(padded), packedRows), values, KernelBench.ToFloats(bias));
    }

    private float[] Pack(Random random, nint to, int rows, int k, int packedRows, int packedK, bool isUp)
    {
        var pack = new PackKernels(Bench.Kernels);
        var source = KernelBench.RandomBf16(random, rows * k, 0.1);
        var values = KernelBench.ToFloats(source);
        var p = PackKernels.Parameters.Whole(to, 0, rows, k, packedRows, packedK) with
        {
            Alternate = isUp ? 1 : 0,
            Refused = Bench.Upload([0u]),
        };
        switch (Format)
        {
            case ExpertFormat.Mxfp4:
                var (blocks, scales) = (new byte[rows * k / 2], new byte[rows * k / 32]);
                Mxfp4Format.Encode(values, blocks, scales);
                Mxfp4Format.Decode(blocks, scales, values);
                pack.Tiles(Bench.Stream, Format, SourceFormat.Mxfp4, p with { From = Bench.Upload(blocks), Scales = Bench.Upload(scales) });
                break;
            case ExpertFormat.Int4 when isUp: // gates and ups apart, as AWQ checkpoints have them
                PackAwq(pack, values, p with { Rows = rows / 2, RowStep = 2 }, first: 0);
                PackAwq(pack, values, p with { Rows = rows / 2, RowStep = 2, FirstRow = 1 }, first: 1);
                break;
            case ExpertFormat.Int4:
                PackAwq(pack, values, p, first: 0);
                break;
            default:
                pack.Tiles(Bench.Stream, Format, SourceFormat.Bf16, p with { From = Bench.Upload(source) });
                break;
        }

        Bench.Download<uint>(p.Refused, 1).Should().Equal(0u);
        return values;
    }

    /// <summary>Encodes every RowStep-th row from the first, packs them, and replaces the values by what the format has of them.</summary>
    private void PackAwq(PackKernels pack, float[] values, PackKernels.Parameters p, int first)
    {
        const int Group = 32;
        var (words, zeros, scales) = (new int[p.K * p.Rows / 8], new int[p.K / Group * p.Rows / 8], new Half[p.K / Group * p.Rows]);
        var inputs = new float[p.K * p.Rows];
        for (var i = 0; i < inputs.Length; i++)
        {
            inputs[i] = values[(((i % p.Rows * p.RowStep) + first) * p.K) + (i / p.Rows)];
        }

        AwqFormat.Encode(inputs, p.Rows, Group, words, zeros, scales);
        AwqFormat.Decode(new AwqMatrix(words, zeros, scales, p.K, p.Rows, Group), inputs);
        for (var i = 0; i < inputs.Length; i++)
        {
            values[(((i % p.Rows * p.RowStep) + first) * p.K) + (i / p.Rows)] = KernelBench.Round(inputs[i]);
        }

        pack.Tiles(Bench.Stream, Format, SourceFormat.Awq, p with
        {
            From = Bench.Upload(words),
            Zeros = Bench.Upload(zeros),
            Scales = Bench.Upload(scales),
            GroupSize = Group,
        });
    }
}
