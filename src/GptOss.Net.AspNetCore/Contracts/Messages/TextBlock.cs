namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>A text.</summary>
internal sealed record TextBlock(string Text) : MessageBlock;
