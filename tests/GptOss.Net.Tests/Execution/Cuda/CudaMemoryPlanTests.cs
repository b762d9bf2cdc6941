using System.Text;
using System.Text.RegularExpressions;
using GptOss.Net.Checkpoint;
using GptOss.Net.Engine;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Interop;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>What cards are asked for is what the plan said: two layers of gpt-oss-20b's widths, cards that only count.</summary>
public sealed partial class CudaMemoryPlanTests
{
    private const long Card = 24L << 30;

    [Theory]
    [InlineData("shared", true, Precision.Default, 2, 200)]
    [InlineData("shared", true, Precision.Int8Dense, 2, 200)]
    [InlineData("shared", true, Precision.ExpandedBFloat16, 4, 200)]
    [InlineData("shared", true, Precision.ExpandedBFloat16, 24, 64)]
    [InlineData("shared", false, Precision.Default, 2, 200)]
    [InlineData("shared", false, Precision.Default, 24, 200)]
    [InlineData("shared", false, Precision.ExpandedBFloat16, 24, 64)]
    [InlineData("stages", true, Precision.Default, 2, 200)]
    [InlineData("stages", false, Precision.ExpandedBFloat16, 24, 64)]
    [InlineData("one", true, Precision.Default, 2, 200)]
    [InlineData("one", true, Precision.Int8Unembedding, 2, 64)]
    [InlineData("one", true, Precision.Int8Dense, 24, 64)]
    [InlineData("one", true, Precision.ExpandedBFloat16, 24, 64)]
    public void Cards_take_what_was_planned_for_them(string layers, bool hasPeerAccess, Precision precision, int limit, int sequences)
    {
        var (count, sharers) = (layers == "one" ? 1 : 2, layers == "shared" ? 2 : 1);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere a file with holes may take the room of a whole one.");
        using var directory = new TemporaryDirectory();
        using var checkpoint = CheckpointOpener.Open(
            SparseCheckpoint.Write(directory.File("model"), layers: 2, experts: 8, vocabulary: 8_192));
        var config = ModelConfigReader.Read(checkpoint);
        var weights = ModelWeightsReader.Read(config, checkpoint);
        var options = new GptOssModelOptions
        {
            Precision = precision,
            MaxSequences = sequences,
            Placement = new PlacementOptions
            {
                TensorParallel = sharers,
                MemoryLimits = Enumerable.Range(0, count).ToDictionary(DeviceId.Cuda, _ => (long)limit << 30),
            },
        };
        var memory = Enumerable.Range(0, count).ToDictionary(DeviceId.Cuda, _ => Card);
        memory.Add(DeviceId.Cpu, 64L << 30);
        var inventory = DeviceInventory.Of(memory);
        var executors = new ExecutorFactory(config, weights, options, inventory);
        var (plan, capacity) = new CachePlanner(config, executors, options, 32_768).Plan(inventory);
        var cards = Enumerable.Range(0, count).Select(index => new CountingCudaDriver(index, hasPeerAccess)).ToArray();

        using var executor = new CudaExecutorLoader(
            config,
            weights,
            capacity,
            new CudaExecutorOptions(options.MaxStepTokens, sequences, 32_768) { TestsItself = false, Precision = precision },
            new WeightReadProgress(weights.ByteLength, (_, _) => { }, TestContext.Current.CancellationToken))
            .Load(ModelPart.Of(plan), cards, _ => new NoCompiler(), new KernelCache(directory.File("kernels")));

        foreach (var (device, card) in plan.Devices.Zip(cards))
        {
            var used = card.AllocatedBytes + CudaWorkspace.DriverBytes;
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{device.Device}: planned {device.TotalBytes:N0}, used {used:N0}, {100.0 * used / device.TotalBytes:F2} %");
            used.Should().BeInRange(
                device.TotalBytes * 99 / 100, device.TotalBytes, $"{device.Device} takes what it was promised, and no more");
            device.TotalBytes.Should().BeLessThanOrEqualTo((long)limit << 30);
        }

        var locked = plan.Devices.Where(device => device.Device == DeviceId.Cpu).Sum(device => device.TotalBytes);
        (locked > 0).Should().Be(sharers > 1);
        executor.PageLockedBytes.Should().Be(hasPeerAccess ? 0 : locked, "cards that reach each other take none");
    }

    private sealed partial class NoCompiler : IKernelCompiler
    {
        private static readonly string[] Sources = ["bf16", "f16", "f32", "awq"];

        public string Identity => "none";

        /// <summary>All words of the text, among which are the kernels' names, also those that a macro makes of two.</summary>
        public byte[] Compile(KernelSource source)
        {
            var words = Word().Matches(source.Text).Select(word => word.Value)
                .SelectMany(word => word.EndsWith("_from_", StringComparison.Ordinal) ? Sources.Select(from => word + from) : [word]);
            return Encoding.UTF8.GetBytes(string.Concat(words.Select(word => $"{word}\0")));
        }

        [GeneratedRegex(@"\w+")]
        private static partial Regex Word();
    }
}
