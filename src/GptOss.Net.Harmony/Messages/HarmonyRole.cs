namespace GptOss.Net.Harmony;

/// <summary>Who wrote a message.</summary>
public enum HarmonyRole
{
    /// <summary>The frame of the conversation: identity, date, effort, channels.</summary>
    System,

    /// <summary>The application: instructions, tools, response format.</summary>
    Developer,

    /// <summary>The person who asks.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>A tool that answers a call; <see cref="HarmonyMessage.AuthorName"/> says which.</summary>
    Tool,
}
