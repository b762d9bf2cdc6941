using GptOss.Net.Checkpoint;
using GptOss.Net.Checkpoint.Gguf;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Quantization;
using GptOss.Net.Tests.Checkpoint.Gguf;
using GptOss.Net.Tests.Execution.Cuda;

namespace GptOss.Net.Tests.Execution;

/// <summary>What a model computes from GGUF, against what it computes from safetensors.</summary>
public sealed class GgufLogitsTests
{
    private static readonly KVCacheCapacity Capacity = new(64, 64);

    [Theory]
    [InlineData("a", false)]
    [InlineData("b", false)]
    [InlineData("b", true)]
    public void The_same_weights_give_the_same_bits_on_the_CPU(string name, bool isOllama)
    {
        using var fixture = new ModelFixture(name);
        using var gguf = Open(new GgufModel(fixture.Checkpoint, fixture.Config) { IsOllama = isOllama });
        foreach (var options in new[] { CpuExecutorOptions.Exact, CpuExecutorOptions.Fast })
        {
            var expected = CpuLogits(fixture.Checkpoint, options, fixture);

            CpuLogits(gguf, options, fixture).SequenceEqual(expected).Should().BeTrue();
        }
    }

    [Theory]
    [InlineData("0 000 0")]
    [InlineData("0 011 1")]
    public void The_same_weights_give_the_same_bits_on_a_GPU_and_on_two(string map)
    {
        using var fixture = new ModelFixture("b");
        using var gguf = Open(new GgufModel(fixture.Checkpoint, fixture.Config));

        CudaLogits(gguf, fixture, map).SequenceEqual(CudaLogits(fixture.Checkpoint, fixture, "0 000 0")).Should().BeTrue();
    }

    [Theory]
    [InlineData(nameof(GgmlType.Q8_0), null)]
    [InlineData(nameof(GgmlType.Q4_0), null)]
    [InlineData(nameof(GgmlType.Q5_1), nameof(GgmlType.Q4_K))]
    [InlineData(nameof(GgmlType.Q5_0), nameof(GgmlType.Q6_K))]
    [InlineData(nameof(GgmlType.F16), nameof(GgmlType.Q3_K))]
    public void Quantized_dense_weights_give_the_logits_of_their_values(string dense, string? output)
    {
        using var fixture = new ModelFixture("b");
        using var gguf = Open(new GgufModel(fixture.Checkpoint, fixture.Config)
        {
            Dense = Enum.Parse<GgmlType>(dense),
            AttentionOutput = output is null ? null : Enum.Parse<GgmlType>(output),
        });
        using var directory = new TemporaryDirectory();
        using var values = Decoded(gguf, fixture.Config, directory);

        ModelFixture.RelativeError(CpuLogits(gguf, CpuExecutorOptions.Exact, fixture), CpuLogits(values, CpuExecutorOptions.Exact, fixture))
            .Should().BeLessThan(1e-3, "the embedding is rounded to float16, and nothing else");
    }

    [Fact]
    public void Eight_bit_dense_weights_lose_no_more_in_our_int8_than_those_of_a_checkpoint_do()
    {
        using var fixture = new ModelFixture("b");
        using var gguf = Open(new GgufModel(fixture.Checkpoint, fixture.Config) { Dense = GgmlType.Q8_0 });
        double Lost(ICheckpoint checkpoint) => ModelFixture.RelativeError(
            CpuLogits(checkpoint, CpuExecutorOptions.Fast, fixture), CpuLogits(checkpoint, CpuExecutorOptions.Exact, fixture));

        var (ours, theirs) = (Lost(fixture.Checkpoint), Lost(gguf));

        TestContext.Current.TestOutputHelper!.WriteLine(
            FormattableString.Invariant($"bfloat16 to int8 {ours:E2}, Q8_0 to int8 {theirs:E2}"));
        theirs.Should().BeLessThan(1.25 * ours);
    }

    [Fact]
    public async Task A_model_is_loaded_from_a_file_and_from_its_folder()
    {
        using var fixture = new ModelFixture("b");
        using var directory = new TemporaryDirectory();
        directory.Write("gpt-oss-tiny-Q8_0.gguf", new GgufModel(fixture.Checkpoint, fixture.Config).Write().Write());
        foreach (var path in new[] { directory.Path, directory.File("gpt-oss-tiny-Q8_0.gguf") })
        {
            await using var model = await GptOssModel.LoadAsync(
                path, LoadedModels.Options with { Precision = Precision.AsStored }, null, TestContext.Current.CancellationToken);

            (await model.Ids(fixture.Cases[0].InputIds, Generations.Greedy(8))).Should().Equal(fixture.Cases[0].Greedy.Take(8));
        }
    }

    private static GgufCheckpoint Open(GgufModel model) =>
        model.Write().Write() is var bytes ? GgufCheckpoint.Open(new MemorySource(bytes), bytes.Length) : null!;

    /// <summary>The same numbers as float32.</summary>
    private static SafetensorsCheckpoint Decoded(GgufCheckpoint gguf, ModelConfig config, TemporaryDirectory directory)
    {
        var writer = new SafetensorsWriter();
        foreach (var tensor in gguf.Tensors.Values)
        {
            var isPacked = tensor.Type == TensorType.U8;
            var bytes = new byte[isPacked ? tensor.ByteLength : tensor.ElementCount * sizeof(float)];
            if (isPacked)
            {
                tensor.Read(0, bytes);
            }
            else
            {
                Buffer.BlockCopy(tensor.ReadSingles(), 0, bytes, 0, bytes.Length);
            }

            writer.Add(tensor.Name, isPacked ? TensorType.U8 : TensorType.F32, tensor.Shape.AsSpan(), bytes);
        }

        CheckpointWriter.Write(directory.Path, config, writer);
        return SafetensorsCheckpoint.Open(directory.Path);
    }

    private static float[] CpuLogits(ICheckpoint checkpoint, CpuExecutorOptions options, ModelFixture fixture)
    {
        var config = ModelConfigReader.Read(checkpoint);
        using var executor = CpuExecutor.Load(
            config, ModelWeightsReader.Read(config, checkpoint), Capacity, options with { Threads = 1 },
            new WeightReadProgress(0, (_, _) => { }, default));
        return Logits(executor, config, fixture.Cases.Select(expected => expected.InputIds));
    }

    private static float[] CudaLogits(ICheckpoint checkpoint, ModelFixture fixture, string map)
    {
        EmulatedKernelCompiler.Require();
        var config = ModelConfigReader.Read(checkpoint);
        var weights = ModelWeightsReader.Read(config, checkpoint);
        var loader = new CudaExecutorLoader(
            config,
            weights,
            Capacity,
            new CudaExecutorOptions(MaxStepTokens: 64, MaxSequences: 16, MaxModelLength: 512),
            new WeightReadProgress(weights.ByteLength, (_, _) => { }, CancellationToken.None));
        var (parts, machine) = (CudaStagesTests.Parts(map), new EmulatedMachine(2));
        using var executor = loader.Load(
            parts,
            [.. parts.Select(part => part.Device.Index).Distinct().Select(index => machine.Devices[index])],
            _ => new EmulatedKernelCompiler(),
            EmulatedKernelCompiler.Cache);
        return Logits(executor, config, fixture.Cases.Select(expected => expected.InputIds).Where(prompt => prompt.Length <= 16).Take(1));
    }

    private static float[] Logits(IModelExecutor executor, ModelConfig config, IEnumerable<int[]> prompts) =>
    [
        .. prompts.SelectMany(prompt => new ExecutorDriver(executor, Capacity, config.SlidingWindow, maxStepTokens: 64).Logits(prompt)[0]),
    ];
}
