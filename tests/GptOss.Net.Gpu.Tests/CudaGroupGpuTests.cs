using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Gpu.Tests;

/// <summary>Two cards that share every layer have one card's bits, over the direct way and through main memory.</summary>
public sealed class CudaGroupGpuTests(ITestOutputHelper output)
{
    private static readonly KVCacheCapacity Capacity = new(320, 320);

    [Theory]
    [InlineData("a", false)]
    [InlineData("b", false)]
    [InlineData("a-awq", false)]
    [InlineData("b", true)]
    public void Fixtures_have_one_cards_bits(string model, bool avoidsPeerAccess)
    {
        using var fixture = new ModelFixture(model);

        Compare(fixture.Config, fixture.Weights, fixture.Cases[^1].InputIds, avoidsPeerAccess, Precision.Default);
    }

    [Theory]
    [InlineData(Precision.Default, false)]
    [InlineData(Precision.Default, true)]
    [InlineData(Precision.Int8Dense, false)]
    [InlineData(Precision.ExpandedBFloat16, false)]
    public void The_shapes_of_gpt_oss_20b_have_one_cards_bits(Precision precision, bool avoidsPeerAccess)
    {
        Gpu.RequireDevices(2);
        var folder = Environment.GetEnvironmentVariable("GPTOSS_CHECKPOINT");
        Assert.SkipWhen(folder is null, "Needs GPTOSS_CHECKPOINT, a folder written by benchmarks/make_checkpoint.py --layers 4.");
        using var model = new OpenCheckpoint(folder);
        int[] prompt = [.. Enumerable.Range(0, 300).Select(i => (i * 7919) % 200_000)];

        Compare(model.Config, model.Weights, prompt, avoidsPeerAccess, precision);
    }

    /// <summary>In one step, in chunks, token by token, and the first tokens beside others.</summary>
    private void Compare(ModelConfig config, ModelWeights weights, int[] prompt, bool avoidsPeerAccess, Precision precision)
    {
        Gpu.RequireDevices(2);
        var start = prompt[..Math.Min(prompt.Length, 12)];
        float[] expected;
        using (var one = Load(config, weights, [DeviceId.Cuda(0)], avoidsPeerAccess, precision))
        {
            expected = Driver(config, one, 512).Logits(prompt)[0];
        }

        using var two = Load(config, weights, [DeviceId.Cuda(0), DeviceId.Cuda(1)], avoidsPeerAccess, precision);
        foreach (var maxStepTokens in (int[])[512, 64, 7, 1])
        {
            Same(Driver(config, two, maxStepTokens).Logits(prompt)[0], expected).Should().Be(0, $"in steps of {maxStepTokens}");
        }

        foreach (var batch in (int[])[2, 3, 8, 17, 33, 64])
        {
            var place = batch * 5 / 7;
            int[][] company =
                [.. Enumerable.Range(0, batch).Select(i => i == place ? start : [.. start.Select(token => (token + i + 1) % 700)])];
            Same(Driver(config, two, batch).Logits(company)[place], expected.AsSpan(0, start.Length * config.VocabularySize))
                .Should().Be(0, $"at {place} of {batch}");
        }

        output.WriteLine($"same bits as one card, {precision}, avoids peer access: {avoidsPeerAccess}");
    }

    private static int Same(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        var different = 0;
        for (var i = 0; i < right.Length; i++)
        {
            different += BitConverter.SingleToInt32Bits(left[i]) == BitConverter.SingleToInt32Bits(right[i]) ? 0 : 1;
        }

        return different;
    }

    private static CudaExecutor Load(
        ModelConfig config, ModelWeights weights, DeviceId[] devices, bool avoidsPeerAccess, Precision precision)
    {
        var loader = new CudaExecutorLoader(
            config,
            weights,
            Capacity,
            new CudaExecutorOptions(MaxStepTokens: 512, MaxSequences: 64, MaxModelLength: 4096)
            {
                AvoidsPeerAccess = avoidsPeerAccess,
                Precision = precision,
            },
            new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));
        return loader.Load([loader.Whole(devices[0]) with { Devices = devices }], Environment.GetEnvironmentVariable("GPTOSS_LIBTORCH"));
    }

    private static ExecutorDriver Driver(ModelConfig config, CudaExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, config.SlidingWindow, maxStepTokens);
}
