using System.Runtime.InteropServices;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Counts what the compilation of a schema costs, and ends it where it costs too much or is cancelled.</summary>
internal sealed class SchemaBudget(CancellationToken cancellationToken)
{
    // So much text costs as much as a keyword.
    private const int BytesPerWork = 16;

    private int _nodes;

    /// <summary>What was looked at so far.</summary>
    public int Work { get; private set; }

    /// <summary>The length of a value as it stands in the schema, in bytes.</summary>
    public static int LengthOf(JsonElement value) => JsonMarshal.GetRawUtf8Value(value).Length;

    /// <summary>The work of reading something of so many bytes.</summary>
    public static int WorkOf(int length) => 1 + (length / BytesPerWork);

    public void SpendNode()
    {
        if (++_nodes > SchemaLimits.MaxNodes)
        {
            throw SchemaRefusal.TooLarge(
                $"it has more than {SchemaLimits.MaxNodes} parts once its references and choices are resolved; "
                + "use fewer anyOf and oneOf beside each other");
        }
    }

    public void SpendWork(int amount)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Work += amount;
        if (Work > SchemaLimits.MaxWork)
        {
            throw SchemaRefusal.TooLarge(
                $"more than {SchemaLimits.MaxWork} keywords and values have to be looked at; "
                + "use fewer properties, enum values and choices");
        }
    }
}
