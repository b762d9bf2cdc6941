namespace GptOss.Net.Harmony;

/// <summary>The channels the model writes to.</summary>
public static class HarmonyChannel
{
    /// <summary>The model's reasoning. Not meant for the user.</summary>
    public const string Analysis = "analysis";

    /// <summary>Function calls; without a recipient, words to the user before a call.</summary>
    public const string Commentary = "commentary";

    /// <summary>The answer.</summary>
    public const string Final = "final";
}
