using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>Which of the offered tools may or must be called.</summary>
internal static class ToolSelection
{
    /// <summary>Sets the tools and their mode; returns the names of those that may be called, null for all.</summary>
    /// <param name="options">The options to set them in.</param>
    /// <param name="tools">All that were offered.</param>
    /// <param name="choice">The field <c>tool_choice</c>: a word, a named function (nested or flat), or a list of allowed ones.</param>
    public static IReadOnlyList<string>? Apply(ChatOptions options, IReadOnlyList<AITool> tools, JsonElement? choice)
    {
        var names = tools.Select(tool => tool.Name).ToHashSet(StringComparer.Ordinal);
        if (names.Count < tools.Count)
        {
            throw RequestError.Invalid("tools", "'tools' holds two functions of the same name.");
        }

        options.Tools = tools.Count > 0 ? [.. tools] : null;
        switch (choice?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return null;
            case JsonValueKind.String:
                options.ToolMode = Mode(Check.Text(choice.Value, "tool_choice"), "tool_choice", names.Count);
                return null;
            case JsonValueKind.Object:
                return ApplyObject(options, names, choice.Value);
            default:
                throw RequestError.WrongType("tool_choice", "a word or an object");
        }
    }

    private static string[]? ApplyObject(ChatOptions options, HashSet<string> names, JsonElement choice)
    {
        var type = Check.TextMember(choice, "type", "tool_choice") ?? throw RequestError.Missing("tool_choice.type");
        switch (type)
        {
            case "function":
                options.ToolMode = ChatToolMode.RequireSpecific(NameOf(choice, "tool_choice", names));
                return null;
            case "allowed_tools":
                return ApplyAllowed(options, names, choice);
            default:
                throw RequestError.UnsupportedValue("tool_choice.type", $"it is '{type}', but the model can call functions only");
        }
    }

    /// <summary>All stay in the prompt, which the cache knows; the list changes from turn to turn.</summary>
    private static string[] ApplyAllowed(ChatOptions options, HashSet<string> names, JsonElement choice)
    {
        // Chat completions nest the list, responses do not.
        var nested = Check.Member(choice, "allowed_tools");
        var holder = Check.Object(nested ?? choice, "tool_choice.allowed_tools");
        var param = nested is null ? "tool_choice" : "tool_choice.allowed_tools";
        if (Check.Member(holder, "tools") is not { ValueKind: JsonValueKind.Array } list)
        {
            throw RequestError.Missing($"{param}.tools");
        }

        var allowed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tool in list.EnumerateArray())
        {
            allowed.Add(NameOf(Check.Object(tool, $"{param}.tools"), $"{param}.tools", names));
        }

        options.ToolMode = Mode(Check.TextMember(holder, "mode", param) ?? "auto", $"{param}.mode", allowed.Count);
        return [.. allowed];
    }

    private static string NameOf(JsonElement choice, string param, HashSet<string> names)
    {
        var name = Check.Member(choice, "function") is { } function
            ? Check.TextMember(Check.Object(function, $"{param}.function"), "name", $"{param}.function")
            : Check.TextMember(choice, "name", param);
        return name is null ? throw RequestError.Missing($"{param}.name")
            : names.Contains(name) ? name
            : throw RequestError.Invalid(param, $"'{param}' names '{name}', which 'tools' does not hold.");
    }

    private static ChatToolMode Mode(string word, string param, int count) => word switch
    {
        "none" => ChatToolMode.None,
        "auto" => ChatToolMode.Auto,
        "required" when count > 0 => ChatToolMode.RequireAny,
        "required" => throw RequestError.Invalid(param, $"'{param}' is 'required', but there are no tools."),
        _ => throw RequestError.Invalid(param, $"'{param}' is '{word}'; it must be none, auto, required or an object."),
    };
}
