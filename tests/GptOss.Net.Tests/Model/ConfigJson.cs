using System.Text;
using System.Text.Json.Nodes;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Model;

/// <summary>The config of fixture <c>a</c>, changed.</summary>
internal static class ConfigJson
{
    public static ModelConfig Read(Action<JsonObject>? change = null) => Parse(Text(change));

    public static ModelConfig Parse(string json) => ModelConfigReader.Parse(Encoding.UTF8.GetBytes(json), "config.json");

    public static string Text(Action<JsonObject>? change = null)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.ModelDirectory("a"), "config.json")))!.AsObject();
        change?.Invoke(json);
        return json.ToJsonString();
    }
}
