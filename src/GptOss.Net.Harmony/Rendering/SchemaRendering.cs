namespace GptOss.Net.Harmony;

/// <summary>How JSON schemas of tools become the TypeScript types the model reads.</summary>
public enum SchemaRendering
{
    /// <summary>
    /// As OpenAI's library, but nothing is lost on the way: nullable enums and objects, <c>anyOf</c>, <c>const</c> and <c>$ref</c> are
    /// written out, every line of a comment is a comment, and a tool without arguments is <c>() =&gt; any</c>.
    /// </summary>
    Enriched,

    /// <summary>Byte for byte as OpenAI's library.</summary>
    Exact,
}
