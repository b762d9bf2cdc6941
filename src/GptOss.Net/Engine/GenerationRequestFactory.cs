using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Makes a caller's prompt into requests of the engine: one for each answer.</summary>
internal sealed class GenerationRequestFactory(HarmonyTokenizer tokenizer, int maxModelLength, TimeProvider time)
{
    /// <returns>The first answer's request; the others follow it.</returns>
    public GenerationRequest Create(
        int[] prompt,
        SamplingOptions options,
        GenerationOptions generation,
        ITokenConstraint? constraint,
        GenerationStream stream,
        CancellationToken cancellationToken)
    {
        var seed = options.Seed ?? Random.Shared.NextInt64();
        var (rank, deadline) = (generation.Rank(time), generation.Deadline(time));
        return Answer(0, [.. Enumerable.Range(1, options.AnswerCount - 1).Select(index => Answer(index, []))]);

        GenerationRequest Answer(int index, IReadOnlyList<EngineRequest> followers) => new(
            new Sequence(prompt, generation.CacheSalt) { Rank = rank, Priority = generation.Priority },
            stream,
            new SamplingState(options with { Seed = unchecked(seed + index) }, prompt, seed, constraint),
            new OutputText(tokenizer, options.StopSequences),
            maxModelLength,
            cancellationToken)
        {
            AnswerIndex = index,
            Operation = generation.Operation,
            Deadline = deadline,
            MaxUnreadTokens = generation.MaxUnreadTokens ?? int.MaxValue,
            Followers = followers,
        };
    }
}
