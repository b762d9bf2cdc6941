using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>
/// The tools of a response. Functions are offered to the model, those of a namespace under a joined name; what a service would run
/// itself is skipped, because agents always send it.
/// </summary>
internal sealed class ResponseTools
{
    private readonly Dictionary<string, (string Namespace, string Name)> _namespaced = new(StringComparer.Ordinal);
    private readonly List<AITool> _functions = [];
    private readonly List<FunctionToolBody> _echo = [];
    private readonly List<string> _skipped = [];

    public ResponseTools(IReadOnlyList<JsonElement>? tools, int most)
    {
        Check.Count(tools?.Count ?? 0, most, "tools");
        for (var i = 0; i < (tools?.Count ?? 0); i++)
        {
            Add(tools![i], FormattableString.Invariant($"tools[{i}]"), null);
        }

        Check.Count(_functions.Count, most, "tools");
    }

    public IReadOnlyList<AITool> Functions => _functions;

    /// <summary>Gets the functions as they are echoed.</summary>
    public IReadOnlyList<FunctionToolBody> Echo => _echo;

    /// <summary>Gets the kinds of tools that were skipped.</summary>
    public IReadOnlyList<string> Skipped => _skipped;

    /// <summary>The name that a function of a namespace has for the model.</summary>
    public static string Join(string? space, string name) => space is null ? name : $"{space.TrimEnd('_')}__{name}";

    /// <summary>The namespace and the name that a function was offered with.</summary>
    public (string? Namespace, string Name) Split(string name) =>
        _namespaced.TryGetValue(name, out var found) ? (found.Namespace, found.Name) : (null, name);

    private void Add(JsonElement tool, string param, string? space)
    {
        var type = Check.TextMember(Check.Object(tool, param), "type", param) ?? throw RequestError.Missing($"{param}.type");
        switch (type)
        {
            case "function":
                AddFunction(tool, param, space);
                break;
            case "namespace" when Check.Member(tool, "tools") is { ValueKind: JsonValueKind.Array } nested:
                var name = Check.TextMember(tool, "name", param) ?? throw RequestError.Missing($"{param}.name");
                var i = 0;
                foreach (var inner in nested.EnumerateArray())
                {
                    Add(inner, FormattableString.Invariant($"{param}.tools[{i++}]"), name);
                }

                break;
            default:
                _skipped.Add(type);
                break;
        }
    }

    private void AddFunction(JsonElement tool, string param, string? space)
    {
        var name = Check.TextMember(tool, "name", param);
        var joined = name is null ? null : Join(space, name);
        var description = Check.TextMember(tool, "description", param);
        var parameters = Check.Member(tool, "parameters");
        _functions.Add(FunctionDefinition.Create(joined, description, parameters, param));
        if (space is not null)
        {
            _namespaced[joined!] = (space, name!);
        }

        _echo.Add(new FunctionToolBody
        {
            Name = joined!,
            Description = description,
            Parameters = parameters?.Clone(),
            Strict = Check.Member(tool, "strict") is { } strict ? strict.ValueKind == JsonValueKind.True : null,
        });
    }
}
