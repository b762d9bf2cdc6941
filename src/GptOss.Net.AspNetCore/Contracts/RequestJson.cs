using System.Text.Json.Serialization;
using GptOss.Net.AspNetCore.Contracts.Chat;

namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>How bodies of requests are read.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(IntegerConverter)], MaxDepth = MaxDepth)]
[JsonSerializable(typeof(ChatCompletionRequest))]
internal sealed partial class RequestJson : JsonSerializerContext
{
    /// <summary>How deep objects and arrays may be nested.</summary>
    public const int MaxDepth = 64;
}
