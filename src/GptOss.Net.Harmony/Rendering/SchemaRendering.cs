namespace GptOss.Net.Harmony;

/// <summary>How JSON schemas of tools become the TypeScript types the model reads.</summary>
public enum SchemaRendering
{
    /// <summary>
    /// As OpenAI's library, but nothing is lost on the way: what the schema means is written out, choices, references, maps, tuples and
    /// null included; bounds are comments; a type that contains itself has a name; every line of a comment is a comment; and a tool
    /// without arguments is <c>() =&gt; any</c>.
    /// </summary>
    Enriched,

    /// <summary>Byte for byte as OpenAI's library.</summary>
    Exact,
}
