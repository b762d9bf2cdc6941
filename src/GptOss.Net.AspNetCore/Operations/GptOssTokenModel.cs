using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>The tokens of a model in this process.</summary>
internal sealed class GptOssTokenModel(GptOssModel model) : ITokenModel
{
    private readonly GptOssChatClient _client = model.AsIChatClient();

    public HarmonyTokenizer Tokenizer => model.Tokenizer;

    public int MaxModelLength => model.MaxModelLength;

    public Task<int[]> EncodeAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        _client.EncodeAsync(messages, options, cancellationToken);

    public IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> prompt, SamplingOptions sampling, GenerationOptions generation, CancellationToken cancellationToken) =>
        model.GenerateAsync(prompt, sampling, generation, cancellationToken);
}
