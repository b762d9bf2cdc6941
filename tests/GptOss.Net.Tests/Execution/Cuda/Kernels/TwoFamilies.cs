using System.Runtime.InteropServices;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>Two layers with random packed weights, through the kernels for many sequences and through those for one or two.</summary>
internal sealed class TwoFamilies : IDisposable
{
    private const int Page = 16;

    private readonly CudaShape _shape;
    private readonly CudaProperties _device;
    private readonly KernelBench _bench;
    private readonly Random _random = new(11);
    private readonly Layer[] _layers;
    private readonly DenseWeights _head;
    private readonly nint _finalGain;
    private readonly nint _embedding;
    private readonly nint _rotation;

    public TwoFamilies(
        uint turnOrder, CudaShape shape, CudaProperties device, DenseFormat attention, DenseFormat head, ExpertFormat experts)
    {
        (_shape, _device) = (shape, device);
        _bench = new KernelBench(
            turnOrder,
            [
                .. ActivationKernels.Sources(shape), .. AttentionKernels.Sources(shape),
                .. DenseKernels.Sources(shape, device, attention, head),
                .. ExpertKernels.Sources(shape, device, experts), .. LayeredKernels.Sources(shape, device, attention, head, experts),
            ]);
        _layers = [.. ((int[])[128, AttentionKernels.NoWindow]).Select(window => RandomLayer(window, attention, experts))];
        _head = Dense(head, shape.Vocabulary, shape.Hidden, hasBias: false);
        _finalGain = Gain();
        _embedding = Bf16(9 * shape.Config.HiddenSize, 1);
        var angles = KernelBench.RandomFloats(_random, 600 * 32);
        _rotation = _bench.Upload(angles.SelectMany(angle => (float[])[MathF.Cos(angle), MathF.Sin(angle)]).ToArray());
    }

    /// <summary>Logits, residual and caches after a decode step of sequences with so many keys, the new ones included.</summary>
    public (float[] Logits, float[] Residual, ushort[][] Caches) Run(bool layered, int[] lengths)
    {
        var step = new Step(_bench, _shape, lengths);
        var caches = _layers.Select((_, layer) => RandomCaches(layer, step.BlockCount)).ToArray();
        if (layered)
        {
            Layered(step, caches);
        }
        else
        {
            Batched(step, caches);
        }

        var size = step.BlockCount * _shape.KVHeads * Page * 64;
        return (
            _bench.Download<float>(step.Logits, lengths.Length * _shape.Vocabulary),
            _bench.Download<float>(step.Residual, lengths.Length * _shape.Hidden),
            [.. caches.SelectMany(cache => (nint[])[cache.Keys, cache.Values]).Select(half => _bench.Download<ushort>(half, size))]);
    }

    public void Dispose() => _bench.Dispose();

    private void Batched(Step s, (nint Keys, nint Values)[] caches)
    {
        var n = s.Sequences;
        var stream = _bench.Stream;
        var (activations, attention) = (new ActivationKernels(_bench.Kernels, _shape), new AttentionKernels(_bench.Kernels, _shape));
        var (dense, experts) = (new DenseKernels(_bench.Kernels, _device), new ExpertKernels(_bench.Kernels, _shape, _device));
        var (normed, qkv, att, o) = (
            Room<ushort>(n * _shape.Hidden), Room<ushort>(n * _shape.QkvWidth), Room<ushort>(n * _shape.QueryWidth),
            Room<float>(n * _shape.Hidden));
        var pairs = n * _shape.TopK;
        var b = new ExpertKernels.Buffers(
            Room<ushort>(n * _shape.Hidden),
            Room<int>(pairs),
            Room<float>(pairs),
            Room<int>(pairs),
            Room<int>(4 * experts.MaxTiles(_layers[0].Up.Format, n)),
            Room<int>(1),
            Room<ushort>(pairs * _shape.Intermediate),
            Room<float>(pairs * _shape.Hidden));
        activations.Embed(stream, new(s.Residual, _embedding, s.Tokens, s.Chosen, 9), n);
        foreach (var (layer, index) in _layers.Select((layer, index) => (layer, index)))
        {
            activations.CombineNorm(stream, new(s.Residual, normed, b.Y, layer.Gain, 0, index == 0 ? 0 : _shape.TopK, 0), n);
            dense.Multiply(stream, DenseJob.Qkv, layer.Qkv, qkv, normed, n);
            activations.RopeAndStore(stream, new(qkv, caches[index].Keys, caches[index].Values, _rotation, s.Positions, s.Slots), n);
            attention.Decode(
                stream,
                new(
                    att, s.Partial, qkv, caches[index].Keys, caches[index].Values, s.Starts, s.Blocks, s.Lengths, 0, layer.Sinks, s.Chunks,
                    layer.Window),
                n,
                AttentionKernels.Chunks(s.Longest, layer.Window));
            dense.Multiply(stream, DenseJob.Output, layer.Output, o, att, n);
            activations.CombineNorm(stream, new(s.Residual, b.X, o, layer.SecondGain, 0, 1, 1), n);
            experts.Route(stream, layer.Up.Format, layer.Router, b, n, live: 0);
            experts.Run(stream, layer.Up, layer.Down, b, n);
        }

        activations.CombineNorm(stream, new(s.Residual, normed, b.Y, _finalGain, 0, _shape.TopK, 0), n);
        dense.Multiply(stream, DenseJob.Head, _head, s.Logits, normed, n);
    }

    private void Layered(Step s, (nint Keys, nint Values)[] caches)
    {
        var (n, stream, kernels) = (s.Sequences, _bench.Stream, new LayeredKernels(_bench.Kernels, _shape, _device));
        var (qkv, att, x, h) = (
            Room<ushort>(n * _shape.QkvWidth),
            Room<byte>(n * LayeredKernels.AttentionRowBytes(_shape)),
            Room<ushort>(n * _shape.Hidden),
            Room<ushort>(n * _shape.TopK * _shape.Intermediate));
        var routing = Room<byte>(LayeredKernels.RoutingBytes(_shape));
        var counters = _bench.Upload(new byte[LayeredKernels.CounterBytes(_shape)]);
        foreach (var (layer, index) in _layers.Select((layer, index) => (layer, index)))
        {
            kernels.Qkv(stream, n, new(
                qkv, s.Residual, index == 0 ? _embedding : 0, s.Tokens, s.Chosen, layer.Qkv.Strips, layer.Qkv.Scales, layer.Qkv.Bias,
                layer.Gain, 9));
            kernels.Attention(
                stream,
                new(
                    att, s.Partial, counters, qkv, caches[index].Keys, caches[index].Values, s.Starts, s.Blocks, s.Lengths, _rotation,
                    layer.Sinks,
                    s.Chunks, layer.Window, n),
                AttentionKernels.Chunks(s.Longest, layer.Window));
            kernels.Output(stream, n, new(s.Residual, att, layer.Output.Strips, layer.Output.Scales, layer.Output.Bias));
            kernels.Route(stream, n, new(x, routing, s.Residual, layer.SecondGain, layer.Router.Rows, layer.Router.Bias));
            kernels.Up(stream, n, new(h, s.Residual, x, routing, layer.Up.Tiles, layer.Up.Bias));
            kernels.Down(stream, n, new(h, s.Residual, x, routing, layer.Down.Tiles, layer.Down.Bias));
        }

        kernels.Head(stream, n, new(s.Logits, s.Residual, _finalGain, _head.Strips, _head.Scales));
        _bench.Download<byte>(counters, LayeredKernels.CounterBytes(_shape)).Should().AllBeEquivalentTo((byte)0);
    }

    private Layer RandomLayer(int window, DenseFormat format, ExpertFormat experts)
    {
        var bias = KernelBench.RandomBf16(_random, _shape.RouterRows, 0.1);
        bias.AsSpan(_shape.Experts).Fill(0xFF80); // −∞
        var router =
            new ExpertKernels.RouterWeights(Bf16(PackKernels.RouterBytes(_shape.RouterRows, _shape.Hidden) / 2, 0.1), _bench.Upload(bias));
        return new Layer(
            window,
            Gain(),
            Dense(format, _shape.QkvWidth, _shape.Hidden, hasBias: true),
            Bf16(_shape.QueryHeads, 1),
            Dense(format, _shape.Hidden, _shape.QueryWidth, hasBias: true),
            Gain(),
            router,
            Experts(experts, 2 * _shape.Intermediate, _shape.Hidden),
            Experts(experts, _shape.Hidden, _shape.Intermediate));
    }

    private DenseWeights Dense(DenseFormat format, int rows, int k, bool hasBias)
    {
        var chunks = rows / 8 * (k / 64);
        var strips = format switch
        {
            DenseFormat.Bf16 => Bf16(chunks * 512, 0.05),
            DenseFormat.Int8 => Bytes(chunks * 512),
            _ => Int4(chunks, 256, 16),
        };
        var scales = _bench.Upload(KernelBench.RandomFloats(_random, rows, 5));
        return new DenseWeights(format, strips, scales, hasBias ? Bf16(rows, 0.1) : 0, rows, k);
    }

    private ExpertWeights Experts(ExpertFormat format, int rows, int k)
    {
        var chunks = _shape.Experts * (rows / 16) * (k / 64);
        var tiles = format switch
        {
            ExpertFormat.Bf16 => Bf16(chunks * 1024, 0.05),
            ExpertFormat.Mxfp4 => Mxfp4(chunks),
            _ => Int4(chunks, 512, 32),
        };
        return new ExpertWeights(format, tiles, Bf16(_shape.Experts * rows, 0.1), rows);
    }

    private nint Mxfp4(int chunks)
    {
        var bytes = RandomBytes(chunks * 544);
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = i % 544 < 512 ? bytes[i] : (byte)(119 + (bytes[i] % 3));
        }

        return _bench.Upload(bytes);
    }

    /// <summary>Chunks of 4-bit values, then groups of a float16 scale and a zero.</summary>
    private nint Int4(int chunks, int valueBytes, int groups)
    {
        var words = MemoryMarshal.Cast<byte, uint>(RandomBytes(chunks * (valueBytes + (4 * groups))).AsSpan());
        for (var i = 0; i < words.Length; i++)
        {
            if (i % ((valueBytes / 4) + groups) >= valueBytes / 4)
            {
                words[i] = BitConverter.HalfToUInt16Bits((Half)(0.01 + (0.01 * _random.NextDouble()))) | ((uint)_random.Next(16) << 16);
            }
        }

        return _bench.Upload<uint>(words);
    }

    private (nint Keys, nint Values) RandomCaches(int layer, int blocks)
    {
        var random = new Random(100 + layer);
        var size = blocks * _shape.KVHeads * Page * 64;
        return (_bench.Upload(KernelBench.RandomBf16(random, size)), _bench.Upload(KernelBench.RandomBf16(random, size)));
    }

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        _random.NextBytes(bytes);
        return bytes;
    }

    private nint Bytes(int count) => _bench.Upload(RandomBytes(count));

    private nint Bf16(int count, double scale) => _bench.Upload(KernelBench.RandomBf16(_random, count, scale));

    private nint Gain() => _bench.Upload(KernelBench.RandomBf16(_random, _shape.Hidden, 0.1, 1));

    private nint Room<T>(int count)
        where T : unmanaged => _bench.Allocate<T>(count);

    private sealed record Layer(
        int Window,
        nint Gain,
        DenseWeights Qkv,
        nint Sinks,
        DenseWeights Output,
        nint SecondGain,
        ExpertKernels.RouterWeights Router,
        ExpertWeights Up,
        ExpertWeights Down);

    /// <summary>The inputs and outputs of a step on the device.</summary>
    private sealed class Step
    {
        public Step(KernelBench bench, CudaShape shape, int[] lengths)
        {
            (Sequences, Longest) = (lengths.Length, lengths.Max());
            var counts = lengths.Select(length => (length + Page - 1) / Page).ToArray();
            BlockCount = counts.Sum();
            int[] blocks = [.. Enumerable.Range(0, BlockCount)], starts = [.. counts.Select((_, i) => counts.Take(i).Sum())];
            new Random(12).Shuffle(blocks);
            Chunks = AttentionKernels.Chunks(Longest, AttentionKernels.NoWindow);
            (Blocks, Starts, Lengths) = (bench.Upload(blocks), bench.Upload(starts), bench.Upload(lengths));
            Positions = bench.Upload(lengths.Select(length => length - 1).ToArray());
            Slots = bench.Upload(
                lengths.Select((length, i) => (blocks[starts[i] + ((length - 1) / Page)] * Page) + ((length - 1) % Page)).ToArray());
            Tokens = bench.Upload(lengths.Select((_, i) => i == 0 ? 7 : ~1).ToArray());
            Chosen = bench.Upload([3, 5]);
            Residual = bench.Allocate<float>(Sequences * shape.Hidden);
            Logits = bench.Allocate<float>(Sequences * shape.Vocabulary);
            Partial = bench.Allocate<byte>(AttentionKernels.PartialBytes(shape, Sequences, Chunks));
        }

        public int Sequences { get; }

        public int Longest { get; }

        public int Chunks { get; }

        public int BlockCount { get; }

        public nint Blocks { get; }

        public nint Starts { get; }

        public nint Lengths { get; }

        public nint Positions { get; }

        public nint Slots { get; }

        public nint Tokens { get; }

        public nint Chosen { get; }

        public nint Residual { get; }

        public nint Logits { get; }

        public nint Partial { get; }
    }
}
