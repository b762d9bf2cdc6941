using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>A call of a function.</summary>
internal sealed record ToolUseBlock(string Id, string Name, JsonElement Input) : MessageBlock;
