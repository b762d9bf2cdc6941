namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>When an edge of a pattern's automaton may be taken.</summary>
internal enum PatternEdgeKind
{
    /// <summary>Always, with nothing read.</summary>
    Free,

    /// <summary>At the start of the text, with nothing read.</summary>
    AtStart,

    /// <summary>At the end of the text, with nothing read.</summary>
    AtEnd,

    /// <summary>Where a lookaround says so, with nothing read; the range holds its number.</summary>
    Look,

    /// <summary>With one character read.</summary>
    Character,
}
