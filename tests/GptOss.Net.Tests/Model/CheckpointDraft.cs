using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace GptOss.Net.Tests.Model;

/// <summary>A fixture that is changed and written again: its config.json as text, and its tensors.</summary>
internal sealed class CheckpointDraft(string fixture)
{
    public JsonObject Config { get; } =
        JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.ModelDirectory(fixture), "config.json")))!.AsObject();

    public StoredTensors Tensors { get; } = StoredTensors.OfFixture(fixture);

    /// <summary>The values of a tensor, to be changed in place.</summary>
    public Span<T> Values<T>(string tensor)
        where T : struct => MemoryMarshal.Cast<byte, T>(Tensors[tensor].Values.AsSpan());

    public void Write(string directory)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "config.json"), Config.ToJsonString());
        Tensors.Writer(Tensors.Keys).Save(Path.Combine(directory, "model.safetensors"));
    }
}
