namespace GptOss.Net.Harmony;

/// <summary>Finds the place in a schema for which no value satisfies it.</summary>
internal static class SchemaDiagnosis
{
    /// <summary>The deepest node without values that the whole value needs.</summary>
    public static SchemaOmission WhyEmpty(SchemaModel model)
    {
        var node = model.Root.Node;
        var seen = new HashSet<SchemaNode>();
        while (seen.Add(node) && Needed(node) is { } needed)
        {
            node = needed;
        }

        var problem = seen.Contains(node) && node.Parts().Any()
            ? $"no value satisfies it, or only values more than {SchemaLimits.MaxAnswerDepth} levels deep; look for endless references"
            : "no value satisfies it; look for contradictions and an empty enum";
        return new SchemaOmission(node.Path, problem, SchemaOmissionKind.Invalid);
    }

    private static SchemaNode? Needed(SchemaNode node) =>
        node.Required().Concat(node.Alternatives.Select(alternative => alternative.Node)).FirstOrDefault(part => !part.HasValues);
}
