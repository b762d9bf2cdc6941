using System.Text.Json;

namespace GptOss.Net.Harmony.Tests;

/// <summary>The cases of TestData, made by OpenAI's library.</summary>
internal static class HarmonyCases
{
    public static IReadOnlyList<JsonElement> Read(string file) =>
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "TestData", file)).Select(line => JsonDocument.Parse(line).RootElement)];

    public static IReadOnlyList<JsonElement> OfKind(string kind) =>
        [.. Read("harmony.jsonl").Where(element => string.Equals(element.StringKeyword("kind"), kind, StringComparison.Ordinal))];

    public static JsonElement Named(string name) =>
        Read("harmony.jsonl").Single(element => string.Equals(element.StringKeyword("name"), name, StringComparison.Ordinal));

    public static TheoryData<string> Names(string kind) => [.. OfKind(kind).Select(element => element.StringKeyword("name")!)];

    public static int[] Tokens(JsonElement element, string name) => [.. element.ArrayKeyword(name)!.Select(id => id.GetInt32())];

    public static HarmonyMessage[] Messages(JsonElement element, string name) => [.. element.ArrayKeyword(name)!.Select(Message)];

    public static HarmonyRole? Role(JsonElement element) => HarmonyRoleNames.Find(element.StringKeyword("role"));

    private static HarmonyMessage Message(JsonElement message) => new()
    {
        Role = Role(message)!.Value,
        AuthorName = message.StringKeyword("name"),
        Recipient = message.StringKeyword("recipient"),
        Channel = message.StringKeyword("channel"),
        ContentType = message.StringKeyword("content_type"),
        Content = message.StringKeyword("content") is { } text
            ? [new HarmonyText(text)]
            : [.. message.ArrayKeyword("content")!.Select(Content)],
    };

    private static HarmonyContent Content(JsonElement content) => content.StringKeyword("type") switch
    {
        "text" => new HarmonyText(content.StringKeyword("text")!),
        "developer_content" => new DeveloperContent
        {
            Instructions = content.StringKeyword("instructions"),
            ToolNamespaces = Namespaces(content),
        },
        _ => new SystemContent
        {
            Identity = content.StringKeyword("model_identity"),
            KnowledgeCutoff = content.StringKeyword("knowledge_cutoff"),
            CurrentDate = content.StringKeyword("conversation_start_date") is { } date ? DateOnly.Parse(date, null) : null,
            ReasoningEffort = Enum.Parse<ReasoningEffort>(content.StringKeyword("reasoning_effort")!),
            Channels = content.Keyword("channel_config")!.Value.StringsKeyword("valid_channels"),
            ChannelRequired = content.Keyword("channel_config")!.Value.Keyword("channel_required")!.Value.GetBoolean(),
            ToolNamespaces = Namespaces(content),
        },
    };

    private static IReadOnlyList<ToolNamespace> Namespaces(JsonElement content) =>
        content.Keyword("tools") is not { ValueKind: JsonValueKind.Object } tools ? [] :
        [
            .. tools.EnumerateObject().Select(member => new ToolNamespace
            {
                Name = member.Value.StringKeyword("name")!,
                Description = member.Value.StringKeyword("description"),
                Tools = [.. member.Value.ArrayKeyword("tools")!.Select(Tool)],
            }),
        ];

    private static ToolDescription Tool(JsonElement tool) => new()
    {
        Name = tool.StringKeyword("name")!,
        Description = tool.StringKeyword("description")!,
        Parameters = tool.Keyword("parameters"),
    };
}
