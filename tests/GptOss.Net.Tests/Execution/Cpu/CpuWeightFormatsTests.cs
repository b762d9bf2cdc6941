using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Model;
using GptOss.Net.Tests.Model;

namespace GptOss.Net.Tests.Execution.Cpu;

/// <summary>What the plan counts for weights is what the loader takes.</summary>
public sealed class CpuWeightFormatsTests
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var mode in new[] { "fast", "exact", "int4" })
            {
                foreach (var model in new[] { "a", "b", "a-awq", "float16", "tied" })
                {
                    cases.Add(model, mode);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_estimate_is_what_the_loader_allocates(string model, string mode)
    {
        var options = mode == "exact" ? CpuExecutorOptions.Exact : CpuExecutorOptions.Fast with { UnembeddingInt4 = mode == "int4" };
        using var directory = new TemporaryDirectory();
        Draft(model).Write(directory.Path);
        using var checkpoint = SafetensorsCheckpoint.Open(directory.Path);
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);
        var weights = ModelWeightsReader.Read(config, checkpoint);
        using var memory = new CpuMemory();

        new CpuWeightLoader(config, weights, options, memory, new WeightReadProgress(0, (_, _) => { }, default)).Load(threads: 1);

        new CpuWeightFormats(options).Estimate(config, weights).Total.Should().Be(memory.AllocatedBytes);
    }

    private static CheckpointDraft Draft(string model)
    {
        if (Directory.Exists(Fixtures.ModelDirectory(model)))
        {
            return new CheckpointDraft(model);
        }

        var draft = new CheckpointDraft("b");
        if (model == "tied")
        {
            draft.Config["tie_word_embeddings"] = true;
            draft.Tensors.Remove("lm_head.weight");
            return draft;
        }

        // In memory float16 becomes float32, twice what is stored, or int8.
        foreach (var (name, (type, shape, values)) in draft.Tensors.Where(tensor => tensor.Value.Type == TensorType.BF16).ToList())
        {
            draft.Tensors[name] = (TensorType.F16, shape, new byte[values.Length]);
        }

        return draft;
    }
}
