using System.Text.Json.Serialization;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Contracts.Completions;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Contracts.Tokens;

namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>How bodies of requests are read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(IntegerConverter)], MaxDepth = MaxDepth)]
[JsonSerializable(typeof(ChatCompletionRequest))]
[JsonSerializable(typeof(CompletionRequest))]
[JsonSerializable(typeof(DetokenizeRequest))]
[JsonSerializable(typeof(MessagesRequest))]
[JsonSerializable(typeof(ResponseRequest))]
[JsonSerializable(typeof(TokenizeRequest))]
internal sealed partial class RequestJson : JsonSerializerContext
{
    /// <summary>How deep objects and arrays may be nested.</summary>
    public const int MaxDepth = 64;
}
