using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using GptOss.Net.Chat;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Harmony;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Throughput;

/// <summary>What it costs to keep a turn well-formed and its JSON in its schema, beside the decode steps of the same tokens.</summary>
/// <remarks>
/// The tokens are those of a written turn, so that every run visits the same states: its thoughts, a header, the arguments of a call.
/// A run is cold when no mask is known, as for the first request with a schema, and warm when all are.
/// </remarks>
internal sealed class MaskingBenchmark(IModelExecutor executor, ModelConfig config, int runs)
{
    private const float Certain = 1_000;

    private const string Schema = """
        {"type":"object","properties":{
          "customer":{"type":"object","properties":{"name":{"type":"string"},"email":{"type":["string","null"]}},"required":["name"]},
          "items":{"type":"array","items":{"type":"object","properties":{"article":{"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}$"},
            "count":{"type":"integer","minimum":1,"maximum":99},"note":{"type":"string","maxLength":80}},"required":["article","count"]}},
          "delivery":{"enum":["standard","express","pickup"]},
          "on":{"type":"string","format":"date"}},
        "required":["customer","items","delivery"],"additionalProperties":false}
        """;

    private readonly HarmonyTokenizer _tokenizer = HarmonyTokenizer.Create();

    public static Command Command()
    {
        var checkpoint = new Argument<string>("checkpoint") { Description = "Directory of a gpt-oss checkpoint." };
        var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 7, Description = "Runs; medians are reported." };
        var command = new Command("masking", "What constrained sampling costs beside a decode step on the CPU.") { checkpoint, runs };
        command.SetAction(result =>
        {
            using var opened = SafetensorsCheckpoint.Open(result.GetRequiredValue(checkpoint));
            var config = ModelConfigReader.Read(opened.ConfigPath);
            var progress = new WeightReadProgress(0, (_, _) => { }, CancellationToken.None);
            using var executor = CpuExecutor.Load(
                config, ModelWeightsReader.Read(config, opened), new KVCacheCapacity(64, 64), CpuExecutorOptions.Fast, progress);
            new MaskingBenchmark(executor, config, result.GetValue(runs)).Run();
        });
        return command;
    }

    private void Run()
    {
        var turn = Turn();
        var trie = TokenTrie.Create(_tokenizer);
        var grammar = TurnGrammar.Create(new Dictionary<string, TextState>(StringComparer.Ordinal)
        {
            ["place_order"] = JsonSchemaGrammar.Compile(JsonElement.Parse(Schema)).Start(),
        });
        var warmMasks = new TokenMaskCache(trie);
        var (steps, free, warm, cold, worst) =
            (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var run = -2; run < runs; run++)
        {
            var logits = Decode(turn, out var step);
            var unconstrained = Sample(turn, logits, null);
            var constrained = Sample(turn, logits, new HarmonyConstraint(grammar, warmMasks, _tokenizer));
            var first = Sample(turn, logits, new HarmonyConstraint(grammar, new TokenMaskCache(trie), _tokenizer));
            if (run >= 0)
            {
                steps.Add(step);
                free.Add(unconstrained.Average());
                warm.Add(constrained.Average() - unconstrained.Average());
                cold.Add(first.Average() - unconstrained.Average());
                worst.Add(first.Max());
            }
        }

        var decode = Measurement.Median(steps) + Measurement.Median(free);
        Console.WriteLine($"a turn of {turn.Length} tokens, medians of {runs} runs, for each token:");
        Console.WriteLine($"decode step         {Measurement.Median(steps),8:F3} ms and {Measurement.Median(free):F3} ms of sampling");
        Report("masking, warm", warm, decode);
        Report("masking, cold", cold, decode);
        Console.WriteLine($"slowest token, cold {Measurement.Median(worst),8:F3} ms");
    }

    private static void Report(string name, List<double> values, double decode) =>
        Console.WriteLine($"{name,-19} {Measurement.Median(values),8:F3} ms, {Measurement.Median(values) / decode:P2} of a decode step");

    private int[] Turn() =>
    [
        ControlToken.Channel, .. Text("analysis"), ControlToken.Message,
        .. Text("The user wants to order two lamps and a table. I have all that the function needs, so I place the order."),
        ControlToken.End,
        ControlToken.Start, .. Text("assistant"), ControlToken.Channel, .. Text("commentary to=functions.place_order "),
        ControlToken.Constrain, .. Text("json"), ControlToken.Message,
        .. Text(
            """{"customer":{"name":"Anna Schmidt","email":null},"items":[{"article":"LP-2041","count":2,"note":"The blue ones, please."}"""
            + ""","""),
        .. Text("""{"article":"TB-0007","count":1}],"delivery":"express","on":"2026-03-14"}"""), ControlToken.Call,
    ];

    private int[] Text(string text) => _tokenizer.Encode(text);

    /// <summary>The logits of every token of the turn; and how long a step took, in milliseconds.</summary>
    private float[][] Decode(int[] turn, out double step)
    {
        var batch = new SequenceBatch(executor, config, turn.Length + 1);
        var logits = new float[turn.Length][];
        var elapsed = TimeSpan.Zero;
        for (var i = 0; i < turn.Length; i++)
        {
            var packed = batch.Pack([i == 0 ? ControlToken.Start : turn[i - 1]], i);
            var started = Stopwatch.GetTimestamp();
            var result = batch.Execute(packed);
            elapsed += Stopwatch.GetElapsedTime(started);
            logits[i] = result.Row(0).ToArray();
            logits[i][turn[i]] = Certain;
        }

        step = elapsed.TotalMilliseconds / turn.Length;
        return logits;
    }

    /// <summary>Samples the turn; returns the milliseconds of each token.</summary>
    private static double[] Sample(int[] turn, float[][] logits, ITokenConstraint? constraint)
    {
        var sampler = new Sampler(logits[0].Length);
        var state = new SamplingState(new SamplingOptions(), [], randomSeed: 1, constraint);
        var times = new double[turn.Length];
        var row = new float[logits[0].Length];
        for (var i = 0; i < turn.Length; i++)
        {
            logits[i].CopyTo(row, 0);
            var started = Stopwatch.GetTimestamp();
            var token = sampler.Sample(row, state.Next()).Id;
            state.Accept(token);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (token != turn[i])
            {
                throw new InvalidOperationException($"Token {i} of the turn is {turn[i]}, but {token} was sampled.");
            }
        }

        return times;
    }
}
