using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution;

/// <summary>One way to run a model: what it can, what it takes, and how it is made. Stateless.</summary>
internal interface IExecutorBackend
{
    /// <summary>Gets what error messages call it.</summary>
    string Name { get; }

    /// <summary>Why it cannot run this model on these devices, each named once; <see langword="null"/> when it can.</summary>
    string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision);

    /// <summary>The bytes of a key's or a value's element in the cache.</summary>
    int CacheElementBytes(ModelConfig config, Precision precision);

    /// <summary>What the weights take in memory, and what each of several devices has of them that share every layer.</summary>
    MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision, int sharers);

    /// <summary>Gets a value indicating whether it can compute some layers of a model, and other backends the rest.</summary>
    bool TakesParts { get; }

    /// <summary>Gets how many devices it lets share every layer.</summary>
    int MostSharers => 1;

    /// <summary>The memory that a step computes with, on so many devices.</summary>
    WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options, ExecutorSizes sizes, int devices);

    /// <summary>Reads the weights of the wanted parts. When that fails or is cancelled, nothing stays allocated.</summary>
    IModelExecutor Create(ExecutorRequest request);
}
