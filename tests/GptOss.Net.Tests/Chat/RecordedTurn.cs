using System.Runtime.CompilerServices;
using GptOss.Net.Chat;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>A response of the chat client, and the tokens that the model wrote for it.</summary>
internal sealed record RecordedTurn(ChatResponse Response, IReadOnlyList<int> Tokens)
{
    /// <summary>Does what the chat client does, and keeps the tokens.</summary>
    public static async Task<RecordedTurn> Run(GptOssModel model, string question, ChatOptions options, CancellationToken cancellationToken)
    {
        var request = ChatRequest.Create([new ChatMessage(ChatRole.User, question)], options, model.AsIChatClient(), model, cancellationToken);
        var tokens = new List<int>();
        var response = await Updates(model, request, tokens, cancellationToken).ToChatResponseAsync(cancellationToken);
        return new RecordedTurn(response, tokens);
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Updates(
        GptOssModel model, ChatRequest request, List<int> tokens, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var prompt = new HarmonyRenderer(model.Tokenizer).RenderForCompletion(request.Messages);
        var updates = new ChatUpdateMapper(model, request, prompt.Length);
        var constraint = new HarmonyConstraint(request.Grammar, model.Masks, model.Tokenizer);
        await foreach (var token in model.GenerateAsync(prompt, request.Sampling, request.Generation, constraint, cancellationToken))
        {
            tokens.Add(token.Id);
            foreach (var update in updates.Append(token))
            {
                yield return update;
            }
        }

        foreach (var update in updates.Finish())
        {
            yield return update;
        }
    }
}
