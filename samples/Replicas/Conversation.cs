namespace Replicas;

/// <summary>What a request tells of its conversation.</summary>
/// <param name="ResponseId">The stored response that it names, if any.</param>
/// <param name="Key">What is the same in all requests of the conversation, if that is known.</param>
internal sealed record Conversation(string? ResponseId, string? Key);
