using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Reads what schemas say about booleans, which is what they are not.</summary>
internal static class BooleanShapeReader
{
    public static SchemaShape? Read(SchemaFacts facts)
    {
        var (notTrue, notFalse) = (Excludes(facts, JsonValueKind.True), Excludes(facts, JsonValueKind.False));
        return (notTrue, notFalse) switch
        {
            (false, false) => new BooleanShape(),
            (true, true) => null,
            _ => new FixedShape([notTrue ? "false" : "true"]),
        };
    }

    private static bool Excludes(SchemaFacts facts, JsonValueKind kind) => facts.Excluded.Exists(value => value.ValueKind == kind);
}
