namespace GptOss.Net;

/// <summary>Why a generation ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended its turn, or a stop token or a stop sequence of the caller was reached.</summary>
    Stop,

    /// <summary><see cref="SamplingOptions.MaxOutputTokens"/> or the end of the context was reached.</summary>
    Length,
}
