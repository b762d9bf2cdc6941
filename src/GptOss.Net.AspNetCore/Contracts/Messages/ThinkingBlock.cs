namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>A thought, and its sealed tokens, which replay it exactly.</summary>
internal sealed record ThinkingBlock(string Thinking, string Signature) : MessageBlock;
