using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Contracts.Completions;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Contracts.Operations;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Contracts.Tokens;

namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>How bodies of answers are written: absent is what is null, unless a client needs the null.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorReply))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(ModelEntry))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatChunk))]
[JsonSerializable(typeof(ChatUsageChunk))]
[JsonSerializable(typeof(CompletionReply))]
[JsonSerializable(typeof(CompactionBody))]
[JsonSerializable(typeof(DeletedResponse))]
[JsonSerializable(typeof(DetokenizeReply))]
[JsonSerializable(typeof(HealthReply))]
[JsonSerializable(typeof(InputTokensReply))]
[JsonSerializable(typeof(ItemList))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(MessageErrorReply))]
[JsonSerializable(typeof(MessageEvent))]
[JsonSerializable(typeof(MessageReply))]
[JsonSerializable(typeof(MessageTokens))]
[JsonSerializable(typeof(ResponseBody))]
[JsonSerializable(typeof(ResponseEvent))]
[JsonSerializable(typeof(ResponseItem))]
[JsonSerializable(typeof(SocketError))]
[JsonSerializable(typeof(StatusReply))]
[JsonSerializable(typeof(TokenizeReply))]
internal sealed partial class ReplyJson : JsonSerializerContext
{
    /// <summary>Gets the options of the writers: text stays as it is, in any language.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
