using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>A response of the chat client, and the tokens that the model wrote for it.</summary>
internal sealed record RecordedTurn(ChatResponse Response, IReadOnlyList<int> Tokens)
{
    public static async Task<RecordedTurn> Run(GptOssModel model, string question, ChatOptions options, CancellationToken cancellationToken)
    {
        var response = await model.AsIChatClient().GetResponseAsync(question, options, cancellationToken);
        return new RecordedTurn(response, [.. ((IReadOnlyList<GeneratedToken>)response.RawRepresentation!).Select(token => token.Id)]);
    }
}
