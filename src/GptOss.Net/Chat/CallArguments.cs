using System.Text.Json;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>
/// The arguments of a call as text. The model's own spelling is kept beside the arguments, so that a replayed call has the same tokens,
/// also after the conversation was stored as JSON; it counts as long as nobody changed the arguments.
/// </summary>
internal static class CallArguments
{
    /// <summary>The additional property with the spelling, where it is not the plain one.</summary>
    private const string SpellingProperty = "gptoss.arguments";

    /// <summary>Keeps the model's spelling of a call.</summary>
    public static void KeepSpelling(FunctionCallContent call, string json)
    {
        call.RawRepresentation = json;
        if (!string.Equals(Plain(call), json, StringComparison.Ordinal))
        {
            call.AdditionalProperties = new AdditionalPropertiesDictionary { [SpellingProperty] = json };
        }
    }

    /// <summary>The text of a call's arguments; where they are known as text alone, that text, even if it is no JSON.</summary>
    /// <exception cref="ArgumentException">They cannot be written as JSON.</exception>
    public static string TextOf(FunctionCallContent call)
    {
        var (plain, spelling) = (Plain(call), Spelling(call));
        return spelling is not null && (call.Arguments is null || IsSame(spelling, plain)) ? spelling : plain;
    }

    private static string Plain(FunctionCallContent call) => JsonText.Compact(
        WholeJson.FromValue<IDictionary<string, object?>>(call.Arguments ?? new Dictionary<string, object?>(StringComparer.Ordinal)));

    private static string? Spelling(FunctionCallContent call) =>
        call.AdditionalProperties?.GetValueOrDefault(SpellingProperty) switch
        {
            string spelling => spelling,
            JsonElement { ValueKind: JsonValueKind.String } spelling => spelling.GetString(),
            _ => call.RawRepresentation as string,
        };

    // Both are written plainly, so that only what counts is compared: a name that comes twice counts once.
    private static bool IsSame(string spelling, string plain)
    {
        try
        {
            var arguments = FunctionCallReader.Read(spelling);
            return arguments is not null && string.Equals(
                JsonText.Compact(WholeJson.FromValue<IDictionary<string, object?>>(arguments)), plain, StringComparison.Ordinal);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
