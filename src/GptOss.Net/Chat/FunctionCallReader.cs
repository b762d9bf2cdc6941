using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>Collects the arguments of a call. A call whose arguments do not parse is never handed out.</summary>
internal sealed class FunctionCallReader(ToolCatalog tools)
{
    private readonly StringBuilder _arguments = new();

    /// <summary>Forgets what another call, which did not end, left.</summary>
    public void Begin() => _arguments.Clear();

    public void Append(string text) => _arguments.Append(text);

    /// <summary>The finished call, or <see langword="null"/> if its arguments are not a JSON object.</summary>
    public FunctionCallContent? Take(string recipient)
    {
        var json = _arguments.ToString();
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            // A name may come twice; the last value counts, as everywhere in System.Text.Json.
            var arguments = new Dictionary<string, object?>(StringComparer.Ordinal);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                arguments[property.Name] = property.Value.Clone();
            }

            return new FunctionCallContent("call_" + Guid.NewGuid().ToString("N")[..22], tools.NameOf(recipient), arguments)
            {
                RawRepresentation = json,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
