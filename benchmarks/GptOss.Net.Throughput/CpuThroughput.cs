using System.CommandLine;
using System.Diagnostics;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Throughput;

/// <summary>Measures the CPU executor by itself: no scheduler, greedy tokens.</summary>
internal sealed class CpuThroughput
{
    private readonly Random _random = new(1);

    public required string Checkpoint { get; init; }

    public required int? Threads { get; init; }

    public required int Runs { get; init; }

    public required int PromptTokens { get; init; }

    public required int NewTokens { get; init; }

    public required int BatchSize { get; init; }

    public required bool Exact { get; init; }

    public required bool Int4Head { get; init; }

    public required string? Peer { get; init; }

    public static Command Command()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Directory of a gpt-oss checkpoint." };
        var threads = new Option<int?>("--threads") { Description = "Threads; by default the model's." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 5, Description = "Runs of each side; medians are reported." };
        var prompt = new Option<int>("--prompt") { DefaultValueFactory = _ => 512, Description = "Tokens to prefill." };
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 64, Description = "Tokens to decode." };
        var batch = new Option<int>("--batch") { DefaultValueFactory = _ => 8, Description = "Sequences to decode together." };
        var exact = new Option<bool>("--exact") { Description = "Weights as stored and float32 activations." };
        var int4Head = new Option<bool>("--int4-head") { Description = "The output projection in int4." };
        var peer = new Option<string?>("--peer")
        {
            Description = "Command of the other side, which measures once for every line it reads: benchmarks/peers.",
        };
        var command = new Command("cpu", "Speed of the CPU executor, in turns with a peer.")
        {
            checkpoint, threads, runs, prompt, tokens, batch, exact, int4Head, peer,
        };
        command.SetAction(result => new CpuThroughput
        {
            Checkpoint = result.GetRequiredValue(checkpoint),
            Threads = result.GetValue(threads),
            Runs = result.GetValue(runs),
            PromptTokens = result.GetValue(prompt),
            NewTokens = result.GetValue(tokens),
            BatchSize = result.GetValue(batch),
            Exact = result.GetValue(exact),
            Int4Head = result.GetValue(int4Head),
            Peer = result.GetValue(peer),
        }.Run());
        return command;
    }

    private void Run()
    {
        using var executor = Load(out var config);
        var context = PromptTokens + NewTokens;
        var batch = new SequenceBatch(executor, config, context);
        Warm(batch);
        using var peer = Peer is null ? null : new PeerProcess(Peer);
        var (ours, theirs, together) = (new List<Measurement>(), new List<Measurement>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            ours.Add(new Measurement(Prefill(batch), PerSecond(NewTokens, () => Decode(batch, 1))));
            together.Add(PerSecond(NewTokens * BatchSize, () => Decode(batch, BatchSize)));
            if (peer is not null)
            {
                theirs.Add(peer.Measure());
            }

            Report($"run {run}", ours[^1], theirs.Count > 0 ? theirs[^1] : null, together[^1]);
        }

        Report("median", MedianOf(ours), theirs.Count > 0 ? MedianOf(theirs) : null, Measurement.Median(together));

        // What the least disturbed run of each side reached: on a shared machine, steadier than medians.
        Report("best", BestOf(ours), theirs.Count > 0 ? BestOf(theirs) : null, together.Max());
        ReportAllocation(batch);
    }

    private CpuExecutor Load(out ModelConfig config)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Checkpoint);
        config = ModelConfigReader.Read(checkpoint.ConfigPath);
        var weights = ModelWeightsReader.Read(config, checkpoint);
        var options = (Exact ? CpuExecutorOptions.Exact : CpuExecutorOptions.Fast) with { Threads = Threads, UnembeddingInt4 = Int4Head };
        var blocks = PagedKVCache.BlockCount(PromptTokens + NewTokens) * Math.Max(BatchSize, 1);
        var clock = Stopwatch.StartNew();
        var executor = CpuExecutor.Load(
            config, weights, new KVCacheCapacity(blocks, blocks), options,
            new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));
        Console.WriteLine(
            $"loaded {weights.ByteLength / 1e9:f1} GB in {clock.Elapsed.TotalSeconds:f1} s; resident {Environment.WorkingSet / 1e9:f2} GB");
        return executor;
    }

    // Long enough for every method to be compiled for good.
    private void Warm(SequenceBatch batch)
    {
        for (var i = 0; i < 3; i++)
        {
            Prefill(batch);
            Decode(batch, 1);
            Decode(batch, BatchSize);
        }
    }

    private double Prefill(SequenceBatch batch)
    {
        var tokens = Enumerable.Range(0, PromptTokens).Select(_ => _random.Next(batch.VocabularySize)).ToArray();
        return PerSecond(PromptTokens, () => batch.Prefill(tokens));
    }

    private void Decode(SequenceBatch batch, int sequences)
    {
        var tokens = Enumerable.Range(0, sequences).Select(_ => _random.Next(batch.VocabularySize)).ToArray();
        for (var i = 0; i < NewTokens; i++)
        {
            batch.Decode(tokens, PromptTokens + i);
        }
    }

    private static double PerSecond(int tokens, Action action)
    {
        var clock = Stopwatch.StartNew();
        action();
        return tokens / clock.Elapsed.TotalSeconds;
    }

    private static Measurement MedianOf(List<Measurement> runs) =>
        new(Measurement.Median(runs.Select(run => run.Prefill)), Measurement.Median(runs.Select(run => run.Decode)));

    private static Measurement BestOf(List<Measurement> runs) => new(runs.Max(run => run.Prefill), runs.Max(run => run.Decode));

    private void Report(string name, Measurement ours, Measurement? theirs, double together)
    {
        Console.WriteLine(
            $"{name}: prefill {ours.Prefill:f1}, decode {ours.Decode:f2}, {BatchSize} together {together:f1} tok/s "
            + $"({together / ours.Decode:f2} x)"
            + (theirs is null ? "" : $" | peer: prefill {theirs.Prefill:f1}, decode {theirs.Decode:f2}"
                + $" | ratio: prefill {ours.Prefill / theirs.Prefill:f2}, decode {ours.Decode / theirs.Decode:f2}"));
    }

    private void ReportAllocation(SequenceBatch batch)
    {
        var step = batch.Pack([7], PromptTokens);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < NewTokens; i++)
        {
            batch.Execute(step);
        }

        var perToken = (GC.GetTotalAllocatedBytes(precise: true) - before) / NewTokens;
        Console.WriteLine($"allocated {perToken} bytes a token; resident {Environment.WorkingSet / 1e9:f2} GB");
    }
}
