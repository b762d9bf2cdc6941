using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using GptOss.Net.AspNetCore.Contracts.Chat;

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
internal sealed partial class ReplyJson : JsonSerializerContext
{
    /// <summary>Gets the options of the writers: text stays as it is, in any language.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
