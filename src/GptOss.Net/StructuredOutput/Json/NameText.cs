namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within the name of a declared property.</summary>
internal sealed record NameText(SortedTextsRange Names, ObjectText Object) : TextState
{
    public override TextState? Advance(byte next)
    {
        var names = Names.Advance(next);
        if (!Object.Form.CanName(names, Object.First, Object.Depth - 1))
        {
            return null;
        }

        return names.HasEnd ? Object.Form.AfterName(Object.Form.PropertyOf(names.First), Object) : this with { Names = names };
    }
}
