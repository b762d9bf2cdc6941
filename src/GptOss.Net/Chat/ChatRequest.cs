using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>What a call of the chat client asks for, in the terms of the model.</summary>
/// <param name="Messages">The conversation.</param>
/// <param name="Sampling">How to choose tokens.</param>
/// <param name="StopSequences">What ends the answer.</param>
/// <param name="ShowsReasoning">Whether the caller wants the reasoning as content.</param>
internal sealed record ChatRequest(
    IReadOnlyList<HarmonyMessage> Messages, SamplingOptions Sampling, IReadOnlyList<string> StopSequences, bool ShowsReasoning)
{
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    /// <exception cref="NotSupportedException">Something is asked for that this client does not do.</exception>
    public static ChatRequest Create(IEnumerable<ChatMessage> messages, ChatOptions? options, IChatClient client, GptOssModel model)
    {
        options ??= new ChatOptions();
        ChatOptionsMapper.RefuseUnsupported(options, model.Name);
        var own = ChatOptionsMapper.RequestOptions(options, client);
        var sampling = ChatOptionsMapper.ToSamplingOptions(options, own);
        sampling.Validate(model.VocabularySize);

        var system = new SystemContent
        {
            CurrentDate = own.CurrentDate ?? DateOnly.FromDateTime(model.TimeProvider.GetLocalNow().Date),
            ReasoningEffort = ChatOptionsMapper.ToReasoningEffort(options.Reasoning?.Effort),
        };
        return new ChatRequest(
            new ChatMessageMapper(options.Instructions).Map(messages, system),
            sampling with { StopSequences = [] },
            sampling.StopSequences,
            options.Reasoning?.Output == ReasoningOutput.Full);
    }
}
