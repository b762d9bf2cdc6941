using System.Text.Json;
using System.Text.RegularExpressions;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From a function that a request offers to a tool of the chat client.</summary>
internal static partial class FunctionDefinition
{
    private const int MaxNameLength = 64;

    private static readonly JsonElement NoParameters = JsonElement.Parse("""{"type":"object","properties":{}}""");

    /// <param name="name">The name: up to 64 letters, digits, underscores and hyphens.</param>
    /// <param name="description">What it does.</param>
    /// <param name="parameters">The JSON schema of its arguments; without one it has none.</param>
    /// <param name="param">The path of the object that holds them.</param>
    /// <param name="schemaField">What the schema is called there.</param>
    public static AITool Create(string? name, string? description, JsonElement? parameters, string param, string schemaField = "parameters")
    {
        CheckName(name, $"{param}.name");
        if (parameters is { } schema && schema.ValueKind is not (JsonValueKind.Object or JsonValueKind.True or JsonValueKind.Null))
        {
            throw RequestError.WrongType($"{param}.{schemaField}", "a JSON schema, which is an object");
        }

        return AIFunctionFactory.CreateDeclaration(
            name!, description ?? "", parameters is { ValueKind: JsonValueKind.Object } some ? some.Clone() : NoParameters);
    }

    public static void CheckName(string? name, string param)
    {
        if (name is null)
        {
            throw RequestError.Missing(param);
        }

        if (name.Length > MaxNameLength || !Name().IsMatch(name))
        {
            var shown = name.Length > MaxNameLength ? name[..MaxNameLength] + "…" : name;
            throw RequestError.Invalid(
                param, $"'{param}' is '{shown}'; names have 1 to {MaxNameLength} letters, digits, underscores and hyphens.");
        }
    }

    [GeneratedRegex(@"\A[a-zA-Z0-9_-]+\z")]
    private static partial Regex Name();
}
