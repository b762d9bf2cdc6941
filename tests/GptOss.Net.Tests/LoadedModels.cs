using System.Collections.Concurrent;

namespace GptOss.Net.Tests;

/// <summary>The small models, loaded in float32 on the CPU, each once for all tests of a class.</summary>
public sealed class LoadedModels : IAsyncDisposable
{
    static LoadedModels() => TorchRuntime.EnsureLoaded();

    public const int MaxModelLength = 256;

    private readonly ConcurrentDictionary<string, Task<GptOssModel>> _models = new(StringComparer.Ordinal);

    public static GptOssModelOptions Options { get; } = new()
    {
        Precision = Precision.ReferenceFloat32, // its tensors are what can leak
        MaxModelLength = MaxModelLength,
        Placement = new PlacementOptions { Devices = [DeviceId.Cpu] },
    };

    public Task<GptOssModel> Get(string name) =>
        _models.GetOrAdd(name, key => GptOssModel.LoadAsync(Fixtures.ModelDirectory(key), Options));

    public async ValueTask DisposeAsync()
    {
        foreach (var model in _models.Values)
        {
            await (await model).DisposeAsync();
        }
    }

    internal static IReadOnlyList<ModelFixtureCase> Cases(string name)
    {
        using var fixture = new ModelFixture(name);
        return fixture.Cases;
    }
}
