using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Model;

namespace GptOss.Net.Throughput;

/// <summary>
/// Each CUDA kernel alone, with the widths of gpt-oss-20b and random bytes: microseconds, GB/s of what it must read, TFLOP/s.
/// </summary>
/// <remarks>
/// A figure is the median of 9 replays of a graph with 24 launches on four layers' weights in turn, so that none come from the L2 cache.
/// Launches overlap as they do in a step.
/// </remarks>
internal sealed unsafe partial class CudaKernelTable : IDisposable
{
    private const int Layers = 4;
    private const int Launches = 24;
    private const int Context = 1024;
    private const int MostTokens = 2048;
    private const int Page = 16;

    private readonly CudaDriverDevice _driver = CudaDriverDevice.Open(DeviceId.Cuda(0));
    private readonly CudaShape _shape = new(Config());
    private readonly Random _random = new(1);
    private readonly nint _stream;
    private readonly nint _bytes;
    private readonly KernelLibrary _library;
    private double _ceiling;

    private CudaKernelTable()
    {
        _stream = _driver.CreateStream();
        var random = new byte[64 << 20];
        _random.NextBytes(random);
        _bytes = _driver.Allocate(random.Length);
        Copy(_bytes, random);
        var folders = LibTorchLocation.Find(Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"), LibTorchLocation.ApplicationFolders());
        var compiler = new NvrtcCompiler(Nvrtc.Load(NvrtcFiles.Candidates(folders)), _driver.Properties);
        var device = _driver.Properties;
        var clock = Stopwatch.StartNew();
        _library = KernelLibrary.Load(
            _driver,
            compiler,
            KernelCache.OfCurrentUser(),
            [
                .. AttentionKernels.Sources(_shape), .. ActivationKernels.Sources(_shape), .. SamplingKernels.Sources(_shape),
                .. DenseKernels.Sources(_shape, device, DenseFormat.Bf16, DenseFormat.Bf16),
                .. ExpertKernels.Sources(_shape, device, ExpertFormat.Mxfp4),
                .. LayeredKernels.Sources(_shape, device, DenseFormat.Bf16, DenseFormat.Bf16, ExpertFormat.Mxfp4),
            ],
            report: null,
            CancellationToken.None);
        var seconds = clock.Elapsed.TotalSeconds;
        Show($"{device.Architecture}, {device.Multiprocessors} multiprocessors; kernels compiled or found in {seconds:f1} s");
    }

    private KernelStream Stream => new(_driver, _stream, _driver.Properties.HasDependentLaunch);

    public static Command Command()
    {
        var command = new Command("gpu-kernels", "Each CUDA kernel alone: time, bytes and operations per second.");
        command.SetAction(_ =>
        {
            using var table = new CudaKernelTable();
            table.Run();
        });
        return command;
    }

    public void Dispose()
    {
        _library.Dispose();
        _driver.DestroyStream(_stream);
        _driver.Dispose();
    }

    private void Run()
    {
        var clock = Stopwatch.StartNew();
        KernelSelfTest.Run(Stream, _library, _shape, DenseFormat.Bf16, DenseFormat.Bf16, ExpertFormat.Mxfp4);
        Show($"self-test passed in {clock.ElapsedMilliseconds} ms");
        var (from, to) = (Fill(512 << 20), Fill(512 << 20));
        _ceiling = 2.0 * (512 << 20) / Microseconds(_ => _driver.Copy(to, from, 512 << 20, _stream)) / 1e3;
        Show($"copy of 512 MiB: {_ceiling:f0} GB/s read and written; the shares below are of this");
        var weights = new Weights(this);
        Layered(weights);
        foreach (var sequences in (int[])[8, 32, 64])
        {
            Decode(weights, sequences);
        }

        Prefill(weights);
    }

    private void Layered(Weights w)
    {
        var kernels = new LayeredKernels(_library, _shape, _driver.Properties);
        var cache = new Cache(this, 1);
        var (residual, qkv, att) = (Fill(_shape.Hidden * 4), Fill(_shape.QkvWidth * 2), Fill(LayeredKernels.AttentionRowBytes(_shape)));
        var (x, h, routing) =
            (Fill(_shape.Hidden * 2), Fill(_shape.TopK * _shape.Intermediate * 2), Fill(LayeredKernels.RoutingBytes(_shape)));
        var (counters, logits) = (Zeros(LayeredKernels.CounterBytes(_shape)), Fill(_shape.Vocabulary * 4));
        var partial = Fill(LayeredKernels.PartialBytes(_shape, 4));
        Copy(residual, Enumerable.Range(0, _shape.Hidden).Select(_ => _random.NextSingle() - 0.5f).ToArray());
        Line(
            "1 sequence", "QKV", l => kernels.Qkv(Stream, 1, new(qkv, residual, 0, 0, 0, w.Qkv[l].Strips, 0, w.Qkv[l].Bias, w.Gain, 1)),
            w.QkvBytes);
        Line(
            "1 sequence",
            "attention, 1,024 keys",
            l => kernels.Attention(
                Stream,
                new(
                    att, partial, counters, qkv, cache.Keys(l), cache.Values(l), cache.Starts, cache.Blocks, cache.Lengths, w.Rotation,
                    w.Gain, 4, AttentionKernels.NoWindow, 1),
                4),
            cache.BytesOf(1));
        Line(
            "1 sequence", "output projection", l => kernels.Output(Stream, 1, new(residual, att, w.Output[l].Strips, 0, w.Output[l].Bias)),
            w.OutputBytes);
        Line("1 sequence", "route", l => kernels.Route(Stream, 1, new(x, routing, residual, w.Gain, w.Router, w.Gain)), 0);
        Line(
            "1 sequence", "gate_up", l => kernels.Up(Stream, 1, new(h, residual, x, routing, w.Up[l].Tiles, w.Up[l].Bias)),
            _shape.TopK * w.UpBytes);
        Line(
            "1 sequence", "down", l => kernels.Down(Stream, 1, new(h, residual, x, routing, w.Down[l].Tiles, w.Down[l].Bias)),
            _shape.TopK * w.DownBytes);
        Line("1 sequence", "lm_head", _ => kernels.Head(Stream, 1, new(logits, residual, w.Gain, w.Head.Strips, 0)), w.HeadBytes);
    }

    private void Decode(Weights w, int n)
    {
        var (name, s, cache) = ($"{n} sequences", new Activations(this, n), new Cache(this, n));
        var (dense, attention) = (new DenseKernels(_library, _driver.Properties), new AttentionKernels(_library, _shape));
        Matrices(name, w, s, n);
        Line(name, "lm_head", _ => dense.Multiply(Stream, DenseJob.Head, w.Head, s.Logits, s.Normed, n), w.HeadBytes);
        var partial = Fill(AttentionKernels.PartialBytes(_shape, n, 4));
        Line(
            name,
            "attention, 1,024 keys",
            l => attention.Decode(
                Stream,
                new(
                    s.Att, partial, s.Qkv, cache.Keys(l), cache.Values(l), cache.Starts, cache.Blocks, cache.Lengths, 0, w.Gain, 4,
                    AttentionKernels.NoWindow),
                n,
                4),
            cache.BytesOf(n));
        Sample(name, s, n);
    }

    private void Sample(string name, Activations s, int n)
    {
        var sampling = new SamplingKernels(_library);
        var logits = new float[n * _shape.Vocabulary];
        for (var i = 0; i < logits.Length; i++)
        {
            logits[i] = 8 * _random.NextSingle();
        }

        Copy(s.Logits, logits);
        var (work, results, chosen) = (Fill((long)n * SamplingKernels.WorkBytesPerRow), Fill(n * 176), Fill(n * 4));
        foreach (var (what, scale, needs) in ((string, float, SamplingNeeds)[])
            [("greedy", 0, SamplingNeeds.None), ("temperature, top-k 50, top-p 0.95", 1, SamplingNeeds.Draws | SamplingNeeds.Truncation)])
        {
            var row =
                new SamplingKernels.Row { Scale = scale, TopK = 50, TopP = 0.95f, MinOffset = float.NegativeInfinity, Random = 1UL << 63 };
            var rows = Fill(n * sizeof(SamplingKernels.Row));
            Copy(rows, Enumerable.Repeat(row, n).ToArray());
            Line(name, $"sampling, {what}", _ => sampling.Sample(Stream, new(s.Logits, rows, work, results, chosen), n, needs), 0);
        }
    }

    private void Prefill(Weights w)
    {
        var (n, s, cache) = (MostTokens, new Activations(this, MostTokens), new Cache(this, 2));
        Matrices("prefill of 2,048", w, s, n);
        var attention = new AttentionKernels(_library, _shape);
        var most = AttentionKernels.PrefillTokens(_shape);
        var tiles = Enumerable.Range(0, n / most).SelectMany(tile => (int[])[0, tile * most, tile * most, most]).ToArray();
        var onDevice = Fill(tiles.Length * sizeof(int));
        Copy(onDevice, tiles);
        foreach (var (what, window, keys)
            in ((string, int, double)[])[("full", AttentionKernels.NoWindow, n / 2.0), ("window of 128", 128, 128)])
        {
            Line(
                "prefill of 2,048",
                $"attention, {what}",
                l => attention.Prefill(
                    Stream, new(s.Att, s.Qkv, cache.Keys(l), cache.Values(l), cache.Starts, cache.Blocks, w.Gain, onDevice, window),
                    tiles.Length / 4),
                0,
                4.0 * n * keys * _shape.QueryWidth);
        }
    }

    private void Matrices(string name, Weights w, Activations s, int n)
    {
        var (dense, experts) = (new DenseKernels(_library, _driver.Properties), new ExpertKernels(_library, _shape, _driver.Properties));
        Line(
            name,
            "QKV",
            l => dense.Multiply(Stream, DenseJob.Qkv, w.Qkv[l], s.Qkv, s.Normed, n),
            w.QkvBytes,
            2.0 * n * _shape.QkvWidth * _shape.Hidden);
        Line(
            name,
            "output projection",
            l => dense.Multiply(Stream, DenseJob.Output, w.Output[l], s.Residual, s.Att, n),
            w.OutputBytes,
            2.0 * n * _shape.QueryWidth * _shape.Hidden);
        var chosen = Enumerable.Range(0, n)
            .SelectMany(_ => Enumerable.Range(0, _shape.Experts).OrderBy(_ => _random.Next()).Take(_shape.TopK)).ToArray();
        var pairs = n * _shape.TopK;
        var b = new ExpertKernels.Buffers(
            s.Normed,
            Fill(pairs * sizeof(int)),
            Fill(pairs * sizeof(float)),
            Fill(pairs * sizeof(int)),
            Fill(16L * experts.MaxTiles(ExpertFormat.Mxfp4, n)),
            Fill(sizeof(int)),
            Fill(2L * pairs * _shape.Intermediate),
            Fill(4L * pairs * _shape.Hidden));
        Copy(b.ExpertOfPair, chosen);
        experts.Sort(Stream, ExpertFormat.Mxfp4, b, n);
        Line(
            name,
            $"experts ({chosen.Distinct().Count()} distinct)",
            l => experts.Run(Stream, w.Up[l], w.Down[l], b, n),
            chosen.Distinct().Count() * (w.UpBytes + w.DownBytes),
            2.0 * pairs * 3 * _shape.Intermediate * _shape.Hidden);
    }

    private void Line(string step, string kernel, Action<int> launch, double bytes, double operations = 0)
    {
        var time = Microseconds(launch);
        var rate = bytes == 0 ? "" : $"{bytes / time / 1e3:f0} GB/s, {bytes / time / 1e3 / _ceiling:p0}";
        Show($"{step,-18}{kernel,-46}{time,9:f1} us  {rate,-18}{(operations == 0 ? "" : $"{operations / time / 1e6:f0} TFLOP/s")}");
    }

    /// <summary>The time of one launch among many.</summary>
    private double Microseconds(Action<int> launch)
    {
        launch(0);
        _driver.BeginCapture(_stream);
        for (var i = 0; i < Launches; i++)
        {
            launch(i % Layers);
        }

        var graph = _driver.EndCapture(_stream);
        var (start, end) = (_driver.CreateEvent(), _driver.CreateEvent());
        var times = new List<double>();
        for (var run = 0; run < 11; run++)
        {
            _driver.RecordEvent(start, _stream);
            _driver.LaunchGraph(graph, _stream);
            _driver.RecordEvent(end, _stream);
            _driver.SynchronizeEvent(end);
            times.Add(_driver.MillisecondsBetween(start, end) * 1e3 / Launches);
        }

        _driver.DestroyGraph(graph);
        return Measurement.Median(times[2..]);
    }

    /// <summary>Device memory with random bytes.</summary>
    private nint Fill(long bytes)
    {
        var address = _driver.Allocate(bytes);
        for (long done = 0; done < bytes; done += 64 << 20)
        {
            _driver.Copy(address + (nint)done, _bytes, Math.Min(64 << 20, bytes - done), _stream);
        }

        return address;
    }

    private nint Zeros(long bytes)
    {
        var address = _driver.Allocate(bytes);
        _driver.Fill(address, 0, bytes, _stream);
        return address;
    }

    private void Copy<T>(nint to, T[] values)
        where T : unmanaged
    {
        fixed (T* from = values)
        {
            _driver.Copy(to, (nint)from, (long)values.Length * sizeof(T), _stream);
            _driver.SynchronizeStream(_stream);
        }
    }

    private static ModelConfig Config() => new()
    {
        HiddenSize = 2880,
        IntermediateSize = 2880,
        HeadCount = 64,
        KVHeadCount = 8,
        HeadDim = 64,
        ExpertCount = 32,
        ExpertsPerToken = 4,
        VocabularySize = 201_088,
        SlidingWindow = 128,
        LayerKinds = ImmutableArray.Create(AttentionKind.Sliding, AttentionKind.Full),
        MaxPositions = 131_072,
        Rope = new YarnParameters { Theta = 150_000, Factor = 32 },
        Quantization = QuantizationConfig.Mxfp4,
    };

    private static void Show(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
