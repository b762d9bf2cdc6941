namespace GptOss.Net.Harmony;

/// <summary>Where a <see cref="HarmonyStreamParser"/> is.</summary>
public enum HarmonyParserState
{
    /// <summary>Between messages.</summary>
    ExpectStart,

    /// <summary>After <c>&lt;|start|&gt;</c>.</summary>
    Header,

    /// <summary>After <c>&lt;|message|&gt;</c>.</summary>
    Content,
}
