using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore;

/// <summary>
/// What the endpoints need of a model that an <see cref="IChatClient"/> does not tell: its tokens. Called by many threads at once.
/// </summary>
public interface ITokenModel
{
    /// <summary>Gets the tokenizer.</summary>
    HarmonyTokenizer Tokenizer { get; }

    /// <summary>Gets the most tokens of prompt and output together.</summary>
    int MaxModelLength { get; }

    /// <summary>The tokens of the prompt of a conversation, exactly as it would be rendered.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="options">How it would be answered.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The tokens, also if they are more than fit.</returns>
    Task<int[]> EncodeAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken);

    /// <summary>Continues tokens, without any chat format.</summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="sampling">How to choose tokens.</param>
    /// <param name="generation">The place among other generations.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    /// <returns>The tokens as they are generated.</returns>
    IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> prompt, SamplingOptions sampling, GenerationOptions generation, CancellationToken cancellationToken);
}
