namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Counts what the compilation of a schema costs, and ends it where it costs too much.</summary>
internal sealed class SchemaBudget
{
    private int _nodes;
    private int _patterns;
    private int _patternStates;

    /// <summary>What was looked at so far.</summary>
    public int Work { get; private set; }

    public void SpendNode()
    {
        if (++_nodes > SchemaLimits.MaxNodes)
        {
            throw SchemaRefusal.TooLarge(
                $"it has more than {SchemaLimits.MaxNodes} parts once its references and choices are resolved; use fewer anyOf and oneOf beside each other");
        }
    }

    public void SpendWork(int amount)
    {
        Work += amount;
        if (Work > SchemaLimits.MaxWork)
        {
            throw SchemaRefusal.TooLarge(
                $"more than {SchemaLimits.MaxWork} keywords and values have to be looked at; use fewer properties, enum values and choices");
        }
    }

    public void SpendPattern()
    {
        if (++_patterns > SchemaLimits.MaxPatterns)
        {
            throw SchemaRefusal.TooLarge($"it has more than {SchemaLimits.MaxPatterns} different patterns");
        }
    }

    public void SpendPatternStates(int states)
    {
        _patternStates += states;
        if (_patternStates > SchemaLimits.MaxPatternStates)
        {
            throw SchemaRefusal.TooLarge($"its patterns need more than {SchemaLimits.MaxPatternStates} states; simplify them");
        }
    }
}
