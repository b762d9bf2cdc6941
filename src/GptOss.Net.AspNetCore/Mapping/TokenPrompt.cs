using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;
using GptOss.Net.Harmony;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>The prompts of a completion: a text, texts, tokens, or lists of tokens. Text is always text, whatever it spells.</summary>
internal static class TokenPrompt
{
    private const int MaxPrompts = 64;

    /// <summary>What an empty prompt stands for: nothing came before.</summary>
    private static readonly int[] Nothing = [ControlToken.EndOfText];

    public static IReadOnlyList<int[]> Read(JsonElement? prompt, HarmonyTokenizer tokenizer)
    {
        switch (prompt?.ValueKind)
        {
            case null or JsonValueKind.Null:
                throw RequestError.Missing("prompt");
            case JsonValueKind.String:
                return [Encode(prompt.Value, tokenizer, "prompt")];
            case JsonValueKind.Array when prompt.Value.GetArrayLength() > 0 && prompt.Value[0].ValueKind == JsonValueKind.Number:
                return [ReadTokens(prompt.Value, tokenizer, "prompt")];
            case JsonValueKind.Array:
                Mapping.Check.Count(prompt.Value.GetArrayLength(), MaxPrompts, "prompt");
                var prompts = prompt.Value.EnumerateArray().Select((element, i) =>
                {
                    var param = FormattableString.Invariant($"prompt[{i}]");
                    return element.ValueKind == JsonValueKind.Array
                        ? ReadTokens(element, tokenizer, param)
                        : Encode(element, tokenizer, param);
                }).ToList();
                return prompts.Count > 0 ? prompts : throw RequestError.Invalid("prompt", "'prompt' is an empty list.");
            default:
                throw RequestError.WrongType("prompt", "a string, strings, tokens or lists of tokens");
        }
    }

    public static void Check(HarmonyTokenizer tokenizer, int token, string param)
    {
        if (!tokenizer.TryGetBytes(token, out _))
        {
            throw RequestError.Invalid(param, FormattableString.Invariant($"'{param}' is {token}, which is no token."));
        }
    }

    private static int[] Encode(JsonElement element, HarmonyTokenizer tokenizer, string param) =>
        tokenizer.Encode(Mapping.Check.Text(element, param)) is { Length: > 0 } tokens ? tokens : Nothing;

    private static int[] ReadTokens(JsonElement element, HarmonyTokenizer tokenizer, string param)
    {
        var tokens = new int[element.GetArrayLength()];
        var i = 0;
        foreach (var entry in element.EnumerateArray())
        {
            var place = FormattableString.Invariant($"{param}[{i}]");
            if (entry.ValueKind != JsonValueKind.Number || !entry.TryGetInt32(out tokens[i]))
            {
                throw RequestError.WrongType(place, "the id of a token");
            }

            Check(tokenizer, tokens[i++], place);
        }

        return tokens.Length > 0 ? tokens : Nothing;
    }
}
