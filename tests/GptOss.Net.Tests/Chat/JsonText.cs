using System.Text.Json;

namespace GptOss.Net.Tests.Chat;

/// <summary>Looks at text that should be JSON.</summary>
internal static class JsonText
{
    public static bool IsObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
