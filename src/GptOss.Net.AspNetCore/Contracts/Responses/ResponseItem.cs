using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A part of the output of a response.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(MessageItem), "message")]
[JsonDerivedType(typeof(ReasoningItem), "reasoning")]
[JsonDerivedType(typeof(FunctionCallItem), "function_call")]
[JsonDerivedType(typeof(CompactionItem), "compaction")]
internal abstract record ResponseItem
{
    public required string Id { get; init; }
}
