using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>A chat client whose model finds every ordinary token equally likely in its answer.</summary>
internal sealed class RandomChat : IDisposable
{
    private static readonly int[] Header = HarmonyScript.Encode("<|channel|>final<|message|>");

    private readonly GptOssModel _model = ScriptedModel.Create(
        new ScriptedReplies(_ => Write, HarmonyTokenizer.VocabularySize), vocabularySize: HarmonyTokenizer.VocabularySize,
        cachesPrefixes: false);

    public Task<ChatResponse> Ask(ChatOptions options) =>
        _model.AsIChatClient().GetResponseAsync("Hello", options, TestContext.Current.CancellationToken);

    public void Dispose() => _model.Dispose();

    private static void Write(ReadOnlySpan<int> output, Span<float> logits)
    {
        if (output.Length < Header.Length)
        {
            logits[Header[output.Length]] = 100;
        }
        else
        {
            logits[ControlToken.First..].Fill(-100);
        }
    }
}
