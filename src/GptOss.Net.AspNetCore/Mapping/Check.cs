using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>Reads values of a request, or refuses them with the path of the field.</summary>
internal static class Check
{
    public static T? InRange<T>(T? value, T least, T most, string param)
        where T : struct, IComparable<T> =>
        value is not { } number || (number.CompareTo(least) >= 0 && number.CompareTo(most) <= 0)
            ? value
            : throw RequestError.Invalid(param, FormattableString.Invariant($"'{param}' is {number}; it must be from {least} to {most}."));

    public static int? AtLeast(int? value, int least, string param) => value is null || value >= least
        ? value
        : throw RequestError.Invalid(param, FormattableString.Invariant($"'{param}' is {value}; it must be at least {least}."));

    public static void Count(int count, int most, string param)
    {
        if (count > most)
        {
            throw RequestError.Invalid(param, FormattableString.Invariant($"'{param}' has {count} entries; at most {most} are taken."));
        }
    }

    public static T Required<T>(T? value, string param)
        where T : class => value ?? throw RequestError.Missing(param);

    /// <summary>A text that JSON holds; half of a surrogate pair is none.</summary>
    public static string Text(JsonElement element, string param)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            throw RequestError.WrongType(param, "a string");
        }

        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw RequestError.Invalid(param, $"'{param}' is no text: it holds half of a surrogate pair.");
        }
    }

    /// <summary>A member that is a text; <see langword="null"/> where it is absent or null.</summary>
    public static string? TextMember(JsonElement parent, string name, string param) =>
        Member(parent, name) is { } member ? Text(member, $"{param}.{name}") : null;

    /// <summary>A member; <see langword="null"/> where it is absent or null.</summary>
    public static JsonElement? Member(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;

    public static JsonElement Object(JsonElement element, string param) =>
        element.ValueKind == JsonValueKind.Object ? element : throw RequestError.WrongType(param, "an object");
}
