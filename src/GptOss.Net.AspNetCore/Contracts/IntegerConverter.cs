using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>Reads <c>16.0</c> as 16: some clients' languages have one kind of number.</summary>
internal sealed class IntegerConverter : JsonConverter<int>
{
    public override int Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            if (reader.TryGetInt32(out var value))
            {
                return value;
            }

            if (reader.TryGetDouble(out var number) && Math.Abs(number) <= int.MaxValue && double.IsInteger(number))
            {
                return (int)number;
            }
        }

        throw new JsonException("Expected an integer of 32 bits.");
    }

    public override void Write(Utf8JsonWriter writer, int value, JsonSerializerOptions options) => writer.WriteNumberValue(value);
}
