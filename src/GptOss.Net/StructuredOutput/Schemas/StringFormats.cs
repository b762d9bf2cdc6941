using System.Collections.Frozen;
using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>The formats of strings that are enforced.</summary>
internal static class StringFormats
{
    private const string Date =
        @"(?:[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
        + @"|(?:[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)";

    private const string Time = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,7})?";

    private const string Offset = @"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))";

    private const string IPv4Byte = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";

    private static readonly FrozenDictionary<string, Lazy<PatternForm>> Forms =
        new Dictionary<string, Lazy<PatternForm>>(StringComparer.Ordinal)
        {
            ["date"] = Compile(Date),
            ["date-time"] = Compile($"{Date}T{Time}{Offset}"),
            ["time"] = Compile(Time),
            ["uuid"] = Compile("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
            ["ipv4"] = Compile($@"{IPv4Byte}(?:\.{IPv4Byte}){{3}}"),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Returns the form of a format; null if it is not enforced.</summary>
    public static PatternForm? Find(string? format) => format is not null && Forms.TryGetValue(format, out var form) ? form.Value : null;

    private static Lazy<PatternForm> Compile(string pattern) => new(() => new PatternForm(PatternCompiler.Compile($"^{pattern}$")));
}
