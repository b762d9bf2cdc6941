namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>A token that continues one of several prompts.</summary>
internal readonly record struct PromptToken(int Prompt, GeneratedToken Token);
