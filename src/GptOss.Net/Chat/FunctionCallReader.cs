using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>Collects the arguments of a call. A call whose arguments do not parse is never handed out.</summary>
internal sealed class FunctionCallReader(ToolCatalog tools)
{
    private readonly StringBuilder _arguments = new();

    /// <summary>The arguments in a JSON object, or <see langword="null"/> if it is none.</summary>
    /// <exception cref="JsonException">It is malformed.</exception>
    public static Dictionary<string, object?>? Read(string json)
    {
        var root = WholeJson.Parse(json);
        if (root.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        // A name may come twice; the last value counts, as everywhere in System.Text.Json.
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            arguments[property.Name] = property.Value;
        }

        return arguments;
    }

    /// <summary>Forgets what another call, which did not end, left.</summary>
    public void Begin() => _arguments.Clear();

    public void Append(string text) => _arguments.Append(text);

    /// <summary>The finished call, or <see langword="null"/> if its arguments are not a JSON object.</summary>
    public FunctionCallContent? Take(string recipient)
    {
        var json = _arguments.ToString();
        try
        {
            if (Read(json) is not { } arguments)
            {
                return null;
            }

            var call = new FunctionCallContent("call_" + Guid.NewGuid().ToString("N")[..22], tools.NameOf(recipient), arguments);
            CallArguments.KeepSpelling(call, json);
            return call;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
