namespace GptOss.Net.Harmony;

/// <summary>How roles are spelled in a header. A tool is spelled by its own name.</summary>
internal static class HarmonyRoleNames
{
    /// <summary>The spelling of a role.</summary>
    public static string Of(HarmonyRole role) => role switch
    {
        HarmonyRole.System => "system",
        HarmonyRole.Developer => "developer",
        HarmonyRole.User => "user",
        HarmonyRole.Assistant => "assistant",
        HarmonyRole.Tool => "tool",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "There is no such role."),
    };

    /// <summary>The role with a spelling, or null.</summary>
    public static HarmonyRole? Find(ReadOnlySpan<char> name) => name switch
    {
        "system" => HarmonyRole.System,
        "developer" => HarmonyRole.Developer,
        "user" => HarmonyRole.User,
        "assistant" => HarmonyRole.Assistant,
        "tool" => HarmonyRole.Tool,
        _ => null,
    };
}
