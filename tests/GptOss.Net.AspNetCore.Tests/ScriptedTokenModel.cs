using System.Runtime.CompilerServices;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The real tokenizer and a model that continues every prompt with the same text.</summary>
internal sealed class ScriptedTokenModel(string text) : ITokenModel
{
    private static readonly HarmonyTokenizer Shared = HarmonyTokenizer.Create();

    public HarmonyTokenizer Tokenizer => Shared;

    public int MaxModelLength => 1_000;

    public static void AddTo(IServiceCollection services, string text = " and so on") =>
        services.AddSingleton<ITokenModel>(new ScriptedTokenModel(text));

    public Task<int[]> EncodeAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        Task.FromResult(messages.SelectMany(message => Shared.Encode(message.Text)).ToArray());

    public async IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> prompt,
        SamplingOptions sampling,
        GenerationOptions generation,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var tokens = Shared.Encode(text).Take(sampling.MaxOutputTokens ?? int.MaxValue).ToArray();
        for (var i = 0; i < tokens.Length; i++)
        {
            for (var answer = 0; answer < sampling.AnswerCount; answer++)
            {
                yield return new GeneratedToken(tokens[i], Shared.Decode([tokens[i]]))
                {
                    AnswerIndex = answer,
                    LogProbability = sampling.LogProbabilities ? -0.5f : null,
                    TopLogProbabilities = sampling.TopLogProbabilities > 0 ? [new TokenLogProbability(tokens[i], -0.5f)] : null,
                    FinishReason = i == tokens.Length - 1 ? FinishReason.Stop : null,
                };
                await Task.Yield();
            }
        }
    }
}
