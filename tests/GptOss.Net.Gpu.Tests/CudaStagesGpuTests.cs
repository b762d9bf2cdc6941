using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;

namespace GptOss.Net.Gpu.Tests;

/// <summary>A model on two cards, or on a card and the CPU: the bits of one card, directly and through main memory.</summary>
public sealed class CudaStagesGpuTests(ITestOutputHelper output)
{
    private static readonly KVCacheCapacity Capacity = new(320, 320);

    private static CudaExecutorOptions Options => new(MaxStepTokens: 512, MaxSequences: 64, MaxModelLength: 4096);

    [Theory]
    [InlineData("a", "0011", true)]
    [InlineData("a", "0011", false)]
    [InlineData("a", "0110", true)]
    [InlineData("b", "011", true)]
    [InlineData("b", "100", false)]
    [InlineData("a-awq", "0001", true)]
    public void Two_cards_have_the_bits_of_one(string model, string map, bool directly)
    {
        using var fixture = new ModelFixture(model);
        int[][] prompts = [.. fixture.Cases.Select(known => known.InputIds)];
        var (logits, tokens) = Compute(fixture.Config.SlidingWindow, Load(fixture, "0", directly), prompts);

        var (staged, stagedTokens) = Compute(fixture.Config.SlidingWindow, Load(fixture, map, directly), prompts);

        staged.Zip(logits, SameBits).Should().AllBeEquivalentTo(true);
        stagedTokens.Should().BeEquivalentTo(tokens, options => options.WithStrictOrdering());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_shapes_of_gpt_oss_20b_too(bool directly)
    {
        var folder = Environment.GetEnvironmentVariable("GPTOSS_CHECKPOINT");
        Assert.SkipWhen(folder is null, "Needs GPTOSS_CHECKPOINT, a folder written by benchmarks/make_checkpoint.py --layers 4.");
        Gpu.RequireDevices(2);
        using var model = new OpenCheckpoint(folder);
        CudaExecutor Load(string map) => new CudaExecutorLoader(
            model.Config, model.Weights, Capacity, Options with { AvoidsPeerAccess = !directly }, NoProgress()).Load(
                Parts(map, model.Config.LayerCount), Libraries);
        int[][] prompts =
            [.. Enumerable.Range(1, 5).Select(i => Enumerable.Range(0, i * 9).Select(token => (token + i) * 7919 % 200_000).ToArray())];

        var (logits, tokens) = Compute(model.Config.SlidingWindow, Load("0"), prompts);
        var (staged, stagedTokens) = Compute(model.Config.SlidingWindow, Load("0011"), prompts);

        staged.Zip(logits, SameBits).Should().AllBeEquivalentTo(true);
        stagedTokens.Should().BeEquivalentTo(tokens, options => options.WithStrictOrdering());
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void A_card_and_the_cpu_are_as_near_as_the_official_bfloat16(string model)
    {
        using var fixture = new ModelFixture(model);
        Gpu.RequireDevices(1);
        var layers = fixture.Config.LayerCount;
        var first = CpuExecutor.Load(
            fixture.Config, fixture.Weights, Capacity, CpuExecutorOptions.Exact, NoProgress(),
            new ModelPart([DeviceId.Cpu], 0, 2, Embeds: true, Unembeds: false));
        var second = new CudaExecutorLoader(fixture.Config, fixture.Weights, Capacity, Options, NoProgress())
            .Load([new ModelPart([DeviceId.Cuda(0)], 2, layers - 2, Embeds: false, Unembeds: true)], Libraries);
        using var chain = new ExecutorChain([first, second]);

        var ours = ModelFixture.RelativeError(
            [.. fixture.Cases.SelectMany(
                known => new ExecutorDriver(chain, Capacity, fixture.Config.SlidingWindow, 64).Logits(known.InputIds)[0])],
            [.. fixture.Cases.SelectMany(known => known.Logits)]);

        var theirs = ModelFixture.RelativeError(
            [.. fixture.Cases.SelectMany(known => known.BFloat16Logits!)], [.. fixture.Cases.SelectMany(known => known.Logits)]);
        output.WriteLine(FormattableString.Invariant($"{model}: {ours:E2}, official bfloat16 {theirs:E2}"));
        ours.Should().BeLessThanOrEqualTo(1.5 * theirs);
    }

    private static string? Libraries => Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH");

    /// <summary>Logits of all prompts in chunks, greedy tokens of all together, and of the first alone.</summary>
    private static (float[][] Logits, int[][] Tokens) Compute(int window, CudaExecutor executor, int[][] prompts)
    {
        using (executor)
        {
            ExecutorDriver Drive(int maxStepTokens) => new(executor, Capacity, window, maxStepTokens);
            var logits = Drive(64).Logits(prompts);
            return (logits, [.. Drive(256).Greedy(16, prompts), .. Drive(256).Greedy(16, prompts[0])]);
        }
    }

    private static CudaExecutor Load(ModelFixture fixture, string map, bool directly)
    {
        Gpu.RequireDevices(2);
        return new CudaExecutorLoader(
            fixture.Config, fixture.Weights, Capacity, Options with { AvoidsPeerAccess = !directly }, NoProgress())
            .Load(Parts(map, fixture.Config.LayerCount), Libraries);
    }

    /// <summary>A card for each layer; one for all.</summary>
    private static List<ModelPart> Parts(string map, int layers)
    {
        var parts = new List<ModelPart>();
        for (var layer = 0; layer < layers; layer++)
        {
            var device = DeviceId.Cuda(map[Math.Min(layer, map.Length - 1)] - '0');
            if (parts.Count > 0 && parts[^1].Device == device)
            {
                parts[^1] = parts[^1] with { LayerCount = parts[^1].LayerCount + 1 };
            }
            else
            {
                parts.Add(new ModelPart([device], layer, 1, Embeds: layer == 0, Unembeds: false));
            }
        }

        parts[^1] = parts[^1] with { Unembeds = true };
        return parts;
    }

    private static WeightReadProgress NoProgress() => new(0, (_, _) => { }, CancellationToken.None);

    private static bool SameBits(float[] left, float[] right) => left.AsSpan().SequenceEqual(right);
}
