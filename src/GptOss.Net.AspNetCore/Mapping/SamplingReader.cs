using System.Globalization;
using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>The fields of sampling that have more than one form.</summary>
internal static class SamplingReader
{
    private const int MaxStops = 4;
    private const int MaxStopLength = 256;
    private const int MaxBiases = 1_024;
    private const int MaxSaltLength = 500;

    /// <summary>A text or up to four, of up to 256 characters.</summary>
    public static List<string>? Stop(JsonElement? stop, string param)
    {
        switch (stop?.ValueKind)
        {
            case null or JsonValueKind.Null:
                return null;
            case JsonValueKind.String:
                return [StopText(stop.Value, param)];
            case JsonValueKind.Array:
                Check.Count(stop.Value.GetArrayLength(), MaxStops, param);
                return [.. stop.Value.EnumerateArray().Select((text, i) => StopText(text, FormattableString.Invariant($"{param}[{i}]")))];
            default:
                throw RequestError.WrongType(param, "a string or a list of strings");
        }
    }

    /// <summary>What is added to the logits of tokens, by their ids.</summary>
    public static IReadOnlyDictionary<int, float>? LogitBias(Dictionary<string, double>? biases, string param)
    {
        if (biases is null or { Count: 0 })
        {
            return null;
        }

        Check.Count(biases.Count, MaxBiases, param);
        var result = new Dictionary<int, float>();
        foreach (var (token, bias) in biases)
        {
            if (!int.TryParse(token, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                throw RequestError.Invalid(param, $"'{param}' has an entry that is not the id of a token.");
            }

            result[id] = (float)Check.InRange((double?)bias, -100, 100, $"{param}.{id}")!.Value;
        }

        return result;
    }

    /// <summary>Whom a request shares computed prompts with: others of its caller that name the same salt.</summary>
    public static string? CacheSalt(string? salt, string caller) => salt?.Length > MaxSaltLength
        ? throw RequestError.Invalid(
            "cache_salt", FormattableString.Invariant($"'cache_salt' has {salt.Length} characters; at most {MaxSaltLength} are taken."))
        : caller.Length == 0 ? salt : $"{caller}/{salt}";

    private static string StopText(JsonElement element, string param)
    {
        var text = Check.Text(element, param);
        return text.Length is > 0 and <= MaxStopLength
            ? text
            : throw RequestError.Invalid(
                param, FormattableString.Invariant($"'{param}' has {text.Length} characters; it must have 1 to {MaxStopLength}."));
    }
}
