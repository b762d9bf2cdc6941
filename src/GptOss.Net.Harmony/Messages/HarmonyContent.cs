namespace GptOss.Net.Harmony;

/// <summary>A part of a message body: <see cref="HarmonyText"/>, <see cref="SystemContent"/> or <see cref="DeveloperContent"/>.</summary>
public abstract class HarmonyContent
{
    private protected HarmonyContent()
    {
    }
}
