using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>JSON as the model was trained to read it: compact, and escaped only where JSON asks for it.</summary>
/// <remarks>Half a surrogate pair becomes U+FFFD. Nothing here throws, and nothing is recursive.</remarks>
internal static class JsonText
{
    private const char Replacement = '\uFFFD';

    /// <summary>A value on one line without spaces. Comments and trailing commas, which a reader may have accepted, are left out.</summary>
    public static string Compact(JsonElement value)
    {
        var text = Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8Value(value));
        var json = new StringBuilder(text.Length);
        var hasComma = false;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case ' ' or '\t' or '\n' or '\r':
                    continue;
                case '/':
                    i = EndOfComment(text, i);
                    continue;
                case ',':
                    hasComma = true;
                    continue;
            }

            if (hasComma && text[i] is not (']' or '}'))
            {
                json.Append(',');
            }

            hasComma = false;
            if (text[i] == '"')
            {
                i = CopyString(text, i, json);
            }
            else
            {
                json.Append(text[i]);
            }
        }

        return json.ToString();
    }

    /// <summary>A string in quotes, escaped.</summary>
    public static string Quote(string value)
    {
        var json = new StringBuilder(value.Length + 2).Append('"');
        for (var i = 0; i < value.Length; i++)
        {
            if (char.IsSurrogatePair(value, i))
            {
                json.Append(value, i++, 2);
            }
            else
            {
                Append(json, value[i]);
            }
        }

        return json.Append('"').ToString();
    }

    /// <summary>
    /// The same value; where its text holds half a surrogate pair, which no reader accepts, one with U+FFFD in its place.
    /// </summary>
    public static JsonElement WithWholeCharacters(JsonElement value)
    {
        var raw = JsonMarshal.GetRawUtf8Value(value);
        return raw.IndexOf(@"\ud"u8) < 0 && raw.IndexOf(@"\uD"u8) < 0
            ? value
            : JsonElement.Parse(Compact(value), new JsonDocumentOptions { MaxDepth = int.MaxValue });
    }

    private static int EndOfComment(string text, int start)
    {
        var isLine = text[start + 1] == '/';
        var end = isLine ? text.IndexOf('\n', start) : text.IndexOf("*/", start + 2, StringComparison.Ordinal) + 1;
        return end < 0 ? text.Length : end;
    }

    // Returns the place of the quotation mark that ends the string.
    private static int CopyString(string text, int start, StringBuilder json)
    {
        json.Append('"');
        var i = start + 1;
        for (; text[i] != '"'; i++)
        {
            if (text[i] != '\\')
            {
                json.Append(text[i]);
                continue;
            }

            var character = Unescape(text, ref i);
            if (char.IsHighSurrogate(character) && text[i + 1] == '\\' && Peek(text, i + 1) is var low && char.IsLowSurrogate(low))
            {
                json.Append(character).Append(low);
                i += 6;
            }
            else
            {
                Append(json, character);
            }
        }

        json.Append('"');
        return i;
    }

    private static char Peek(string text, int position) => Unescape(text, ref position);

    // Moves from the backslash to the last character of the escape.
    private static char Unescape(string text, ref int position)
    {
        var mark = text[++position];
        if (mark == 'u')
        {
            position += 4;
            return (char)int.Parse(text.AsSpan(position - 3, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return mark switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => mark };
    }

    private static void Append(StringBuilder json, char character) => _ = character switch
    {
        '"' or '\\' => json.Append('\\').Append(character),
        '\b' => json.Append(@"\b"),
        '\f' => json.Append(@"\f"),
        '\n' => json.Append(@"\n"),
        '\r' => json.Append(@"\r"),
        '\t' => json.Append(@"\t"),
        < ' ' => json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
        _ => json.Append(char.IsSurrogate(character) ? Replacement : character),
    };
}
