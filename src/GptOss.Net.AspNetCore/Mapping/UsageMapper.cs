using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Contracts.Responses;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>What an answer cost.</summary>
internal static class UsageMapper
{
    /// <summary>Of one answer, or of several to one prompt, which counts once.</summary>
    public static ChatUsage ToChat(IReadOnlyCollection<UsageDetails> answers)
    {
        var prompt = answers.Max(usage => usage.InputTokenCount) ?? 0;
        var completion = answers.Sum(usage => usage.OutputTokenCount) ?? 0;
        return new ChatUsage(
            prompt,
            completion,
            prompt + completion,
            new PromptTokensDetails(answers.Max(usage => usage.CachedInputTokenCount) ?? 0),
            new CompletionTokensDetails(answers.Sum(usage => usage.ReasoningTokenCount) ?? 0));
    }

    public static ResponseUsage ToResponse(UsageDetails usage)
    {
        var (input, output) = (usage.InputTokenCount ?? 0, usage.OutputTokenCount ?? 0);
        return new ResponseUsage(
            input,
            new InputTokensDetails(usage.CachedInputTokenCount ?? 0),
            output,
            new OutputTokensDetails(usage.ReasoningTokenCount ?? 0),
            input + output);
    }
}
