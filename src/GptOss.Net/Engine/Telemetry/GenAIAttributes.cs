namespace GptOss.Net.Engine.Telemetry;

/// <summary>Names of OpenTelemetry's conventions for generative AI.</summary>
internal static class GenAIAttributes
{
    public const string OperationName = "gen_ai.operation.name";
    public const string ProviderName = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string ErrorType = "error.type";

    /// <summary>The value of <see cref="OperationName"/> for a conversation.</summary>
    public const string Chat = "chat";

    /// <summary>The value of <see cref="OperationName"/> for plain tokens.</summary>
    public const string TextCompletion = "text_completion";

    /// <summary>The value of <see cref="ProviderName"/>, which chat clients report too.</summary>
    public const string Provider = "gptoss.net";
}
