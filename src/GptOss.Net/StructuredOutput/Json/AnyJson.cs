namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Rules for JSON of which nothing more is known.</summary>
internal static class AnyJson
{
    /// <summary>Any JSON value.</summary>
    public static readonly ValueRule Value = CreateValue();

    /// <summary>Any JSON object.</summary>
    public static readonly ValueRule Object = CreateObject();

    private static ValueRule CreateValue()
    {
        var value = new ValueRule(minDepth: 0);
        value.Add(EnumForm.Booleans);
        value.Add(EnumForm.Null);
        value.Add(NumberForm.Any);
        value.Add(StringForm.Any);
        value.Add(new ArrayForm([], value, 0, null, minDepth: 1));
        value.Add(new ObjectForm([], [new OtherNames(null, value)], minDepth: 1));
        return value;
    }

    private static ValueRule CreateObject()
    {
        var rule = new ValueRule(minDepth: 1);
        rule.Add(Value.Forms.OfType<ObjectForm>().Single());
        return rule;
    }
}
