namespace GptOss.Net.Harmony;

/// <summary>How much the model reasons before it answers.</summary>
public enum ReasoningEffort
{
    /// <summary>A few sentences.</summary>
    Low,

    /// <summary>The default of the model.</summary>
    Medium,

    /// <summary>As long as it takes.</summary>
    High,
}
