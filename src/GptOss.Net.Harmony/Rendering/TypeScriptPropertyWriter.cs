using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Writes one property of an object type as OpenAI's library does: comments, name, type, default.</summary>
internal static class TypeScriptPropertyWriter
{
    /// <summary>The lines of a property.</summary>
    public static string Write(JsonProperty property, bool isRequired, string indent)
    {
        var name = property.Name + (isRequired ? string.Empty : "?");
        return property.Value.ArrayKeyword("oneOf") is { } variants
            ? WriteUnion(name, property.Value, variants, indent)
            : WriteSimple(name, property.Value, indent);
    }

    private static string WriteSimple(string name, JsonElement schema, string indent)
    {
        // An object's description is repeated between name and type.
        var description = schema.Keyword("oneOf") is null ? schema.StringKeyword("description") : null;
        var defaultText = schema.Keyword("oneOf") is null ? SchemaComments.Default(schema) : null;
        return SchemaComments.Property(indent, schema, description)
            + $"{indent}{name}: {TypeScriptTypeWriter.WriteNullable(schema, indent + "    ")},"
            + $"{SchemaComments.Trailing(null, defaultText)}\n";
    }

    /// <summary>A property with <c>oneOf</c>: one line for each variant. A description is not said twice.</summary>
    private static string WriteUnion(string name, JsonElement schema, IReadOnlyList<JsonElement> variants, string indent)
    {
        var description = schema.StringKeyword("description");
        var firstDescription = variants.Count > 0 ? variants[0].StringKeyword("description") : null;
        var isAbove = description is not null && !string.Equals(description, firstDescription, StringComparison.Ordinal);

        var text = new StringBuilder(SchemaComments.Property(indent, schema, description: null));
        text.Append(SchemaComments.Line(indent, isAbove ? description : null));
        text.Append(SchemaComments.Line(indent, SchemaComments.Default(schema)));
        text.Append(indent).Append(name).Append(":\n");
        for (var index = 0; index < variants.Count; index++)
        {
            var own = variants[index].StringKeyword("description");
            var isSaid = (index == 0 && isAbove) || string.Equals(own, description, StringComparison.Ordinal);
            text.Append(indent).Append(" | ").Append(TypeScriptTypeWriter.WriteNullable(variants[index], indent + "   "))
                .Append(SchemaComments.Trailing(isSaid ? null : own, SchemaComments.Default(variants[index]))).Append('\n');
        }

        return text.Append(indent).Append(",\n").ToString();
    }
}
