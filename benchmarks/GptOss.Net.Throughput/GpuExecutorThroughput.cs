using System.CommandLine;
using System.Diagnostics;
using GptOss.Net.Checkpoint;
using GptOss.Net.Engine;
using GptOss.Net.Execution;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Throughput;

/// <summary>
/// One sequence on the executor alone, planned and packed as in the engine, a step ahead: what <c>gpu</c> decodes less is the engine's
/// part, and what a chat decodes less the client's.
/// </summary>
internal sealed class GpuExecutorThroughput(IModelExecutor executor, ModelConfig config, KVCacheCapacity capacity)
{
    private const int Tokens = 512;
    private const int Warmup = 32;

    private static readonly SamplingOptions Greedy = new() { Temperature = 0 };

    private readonly Stack<StepBatchBuilder> _idle = new();
    private readonly Queue<(StepPlan Plan, StepBatchBuilder Builder)> _inFlight = new();

    public static Command Command()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Directory of a gpt-oss checkpoint." };
        var precision = new Option<Precision>("--precision") { Description = "How weights are held, such as Int8Unembedding." };
        var command = new Command("gpu-executor", "Decoding of one sequence on a GPU without engine and client.") { checkpoint, precision };
        command.SetAction(result => Run(result.GetRequiredValue(checkpoint), result.GetValue(precision)));
        return command;
    }

    private static void Run(string directory, Precision precision)
    {
        var options = new GptOssModelOptions
        {
            Placement = new PlacementOptions { Devices = [DeviceId.Cuda(0)] },
            Precision = precision,
            LibTorchDirectory = Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"),
            MaxModelLength = 33_000,
            MaxStepTokens = 2048,
        };
        using var checkpoint = SafetensorsCheckpoint.Open(directory);
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);
        var inventory = DeviceInventory.Take();
        var executors = new ExecutorFactory(config, ModelWeightsReader.Read(config, checkpoint), options, inventory);
        var (placement, capacity) = new CachePlanner(config, executors, options, 33_000).Plan(inventory);
        using var executor = executors.Create(placement, capacity, new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));
        var alone = new GpuExecutorThroughput(executor, config, capacity);
        foreach (var context in (int[])[1024, 8192, 32_000])
        {
            double[] rates = [.. Enumerable.Range(0, 4).Select(_ => alone.Decode(context - (Tokens / 2))).Skip(1)];
            Console.WriteLine(FormattableString.Invariant(
                $"decode 1 x {context}: {Measurement.Median(rates):f0} tok/s ({rates.Min():f0} to {rates.Max():f0})"));
        }
    }

    /// <summary>Tokens per second after a prompt of so many.</summary>
    private double Decode(int prompt)
    {
        var scheduler = new Scheduler(new PagedKVCache(capacity, config.SlidingWindow), new SchedulerOptions(1, 2048)
        {
            MaxStepsAhead = executor.MaxStepsAhead,
            CachesPrefixes = false,
        });
        var sequence = new Sequence([.. Enumerable.Range(0, prompt).Select(i => i * 7919 % 200_000)]);
        scheduler.Add(sequence);
        var start = 0L;
        while (sequence.Tokens.Count < prompt + Warmup + Tokens)
        {
            BeginSteps(scheduler, sequence);
            Complete(scheduler, sequence);
            start = sequence.Tokens.Count == prompt + Warmup ? Stopwatch.GetTimestamp() : start;
        }

        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        scheduler.Remove(sequence);
        while (_inFlight.Count > 0)
        {
            Complete(scheduler, sequence);
        }

        return Tokens / seconds;
    }

    private void BeginSteps(Scheduler scheduler, Sequence sequence)
    {
        if (_inFlight.Count == 0)
        {
            Begin(scheduler.Plan(), sequence);
        }

        while (_inFlight.Count <= executor.MaxStepsAhead
            && scheduler.PlanAhead(_inFlight.Last().Plan, _ => true) is { IsEmpty: false } ahead)
        {
            Begin(ahead, sequence);
        }
    }

    private void Begin(StepPlan plan, Sequence sequence)
    {
        var builder = _idle.TryPop(out var idle) ? idle : new StepBatchBuilder();
        var row = new RowSampling { Options = Greedy, Bias = [], Position = sequence.Tokens.Count };
        executor.Begin(builder.Build(plan, (_, rows) => rows.Add(row)));
        _inFlight.Enqueue((plan, builder));
    }

    private void Complete(Scheduler scheduler, Sequence sequence)
    {
        var (plan, builder) = _inFlight.Dequeue();
        var result = executor.Complete();
        var samples = plan.Chunks[0].ReachesEnd;
        scheduler.Commit(plan);
        if (samples)
        {
            sequence.Append(result.Tokens.Span[0].Id);
        }

        _idle.Push(builder);
    }
}
