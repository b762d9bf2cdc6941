namespace GptOss.Net.Harmony;

/// <summary>Which of the model's earlier reasoning a prompt repeats.</summary>
public enum AnalysisHistory
{
    /// <summary>Only what no final answer of the assistant follows yet: reasoning lasts as long as the turn it belongs to.</summary>
    CurrentTurn,

    /// <summary>
    /// As OpenAI's library: when the last assistant message is a final answer, everything on the analysis channel before the first
    /// final answer of the conversation is left out; otherwise nothing.
    /// </summary>
    Reference,

    /// <summary>All of it.</summary>
    All,
}
