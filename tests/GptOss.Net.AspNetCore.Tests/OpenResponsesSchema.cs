using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// The data of the Open Responses specification. Two of its schemas allow only null where the text and every client have a value; they are
/// left out of the check.
/// </summary>
internal static class OpenResponsesSchema
{
    private const string Address = "https://openresponses.example/schemas";

    private static readonly JsonObject Components = Load();
    private static readonly Lazy<JsonSchema> All = new(LoadAll);
    private static readonly ConcurrentDictionary<string, JsonSchema> Schemas = new(StringComparer.Ordinal);
    private static readonly Dictionary<string, string> EventSchemas = Components
        .Where(pair => pair.Key.EndsWith("StreamingEvent", StringComparison.Ordinal))
        .ToDictionary(pair => pair.Value!["properties"]!["type"]!["enum"]![0]!.GetValue<string>(), pair => pair.Key);

    /// <summary>Whatever a path of the responses API gave: a response, a compaction, or a stream of events.</summary>
    public static void ShouldBeValid(string path, JsonAnswer answer)
    {
        if (!path.StartsWith("/v1/responses", StringComparison.Ordinal) || answer.Status != HttpStatusCode.OK)
        {
            return;
        }

        if (answer.Headers["Content-Type"] is "text/event-stream")
        {
            // OpenAI's names of the events of reasoning are not the specification's.
            ServerEvent.Parse(answer.Text)
                .Where(found => !found.IsDone && !found.Name!.StartsWith("response.reasoning_text.", StringComparison.Ordinal))
                .ToList().ForEach(found => ShouldBeEvent(found.Json));
        }
        else if (answer.Json.GetProperty("object").GetString() is "response" && !answer.Json.TryGetProperty("deleted", out _))
        {
            ShouldBeResponse(answer.Json);
        }
        else if (answer.Json.GetProperty("object").GetString() is "response.compaction")
        {
            ShouldBe(answer.Json, "CompactResource");
        }
    }

    public static void ShouldBeResponse(JsonElement body) => ShouldBe(body, "ResponseResource");

    public static void ShouldBeEvent(JsonElement data)
    {
        var type = data.GetProperty("type").GetString()!;
        EventSchemas.Should().ContainKey(type);
        ShouldBe(data, EventSchemas[type]);
    }

    public static void ShouldBe(JsonElement body, string schema)
    {
        var result = Schemas.GetOrAdd(schema, Build).Evaluate(body, new EvaluationOptions { OutputFormat = OutputFormat.List });
        var errors = (result.Details ?? []).Where(detail => detail.Errors is { Count: > 0 })
            .Select(detail => $"{detail.InstanceLocation}: {string.Join(", ", detail.Errors!.Values)}");
        result.IsValid.Should().BeTrue($"{schema}: {string.Join("; ", errors.Take(12))} in {body.GetRawText()}");
    }

    private static JsonObject Load()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TestData", "open-responses-openapi.json"));
        var components = JsonNode.Parse(text)!["components"]!["schemas"]!.AsObject();
        Strip(components, areNames: true);
        components["JsonSchemaResponseFormat"]!["properties"]!["schema"] = new JsonObject();
        return components;
    }

    /// <summary>All of them as one document, which is read once.</summary>
    private static JsonSchema LoadAll() => JsonSchema.FromText(new JsonObject
    {
        ["$id"] = Address,
        ["$defs"] = Components.DeepClone(),
    }.ToJsonString().Replace("#/components/schemas/", "#/$defs/", StringComparison.Ordinal));

    private static JsonSchema Build(string name)
    {
        _ = All.Value;
        return JsonSchema.FromText($$"""{"$ref":"{{Address}}#/$defs/{{name}}"}""");
    }

    /// <summary>Removes what OpenAPI adds to JSON schema.</summary>
    private static void Strip(JsonNode? node, bool areNames = false)
    {
        switch (node)
        {
            case JsonObject members:
                foreach (var name in members.Select(member => member.Key).ToList())
                {
                    if (!areNames && (name is "example" or "discriminator" || name.StartsWith("x-", StringComparison.Ordinal)))
                    {
                        members.Remove(name);
                    }
                    else
                    {
                        Strip(members[name], !areNames && name == "properties");
                    }
                }

                break;
            case JsonArray elements:
                foreach (var element in elements)
                {
                    Strip(element);
                }

                break;
        }
    }
}
