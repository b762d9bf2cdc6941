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
        var value = new ValueRule();
        value.Add(TextsForm.Booleans);
        value.Add(TextsForm.Null);
        value.Add(NumberForm.Number);
        value.Add(StringForm.Any);
        value.Add(new ArrayForm([], value, 0, null));
        value.Add(new ObjectForm([], value));
        while (value.UpdateMinDepth())
        {
        }

        return value;
    }

    private static ValueRule CreateObject()
    {
        var rule = new ValueRule();
        rule.Add(Value.Forms.OfType<ObjectForm>().Single());
        rule.UpdateMinDepth();
        return rule;
    }
}
