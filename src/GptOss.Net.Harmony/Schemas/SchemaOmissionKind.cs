namespace GptOss.Net.Harmony;

/// <summary>Why something is not enforced. The arguments of tools do without all of these, answers without the first alone.</summary>
internal enum SchemaOmissionKind
{
    /// <summary>It narrows the values in a way that the documentation leaves out.</summary>
    Documented,

    /// <summary>It cannot be enforced.</summary>
    Unsupported,

    /// <summary>It is wrong in itself.</summary>
    Invalid,
}
