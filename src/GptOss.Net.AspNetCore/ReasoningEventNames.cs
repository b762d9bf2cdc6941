namespace GptOss.Net.AspNetCore;

/// <summary>What the events of reasoning are called in streams of responses; the two specifications differ.</summary>
public enum ReasoningEventNames
{
    /// <summary><c>response.reasoning_text.delta</c>, as OpenAI's libraries and most clients read.</summary>
    OpenAI = 0,

    /// <summary><c>response.reasoning.delta</c>, as the Open Responses specification has it.</summary>
    OpenResponses = 1,
}
