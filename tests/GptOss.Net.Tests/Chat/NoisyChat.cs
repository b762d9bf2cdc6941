using GptOss.Net.Harmony;

namespace GptOss.Net.Tests.Chat;

/// <summary>A chat client whose model knows nothing: noise for logits, with a liking for what ends messages and JSON.</summary>
internal sealed class NoisyChat : IDisposable
{
    private const float Liking = 10;

    private static readonly int[] Liked =
    [
        ControlToken.Return, ControlToken.Call, ControlToken.End, ControlToken.Message,
        .. "\"}],:0".Select(character => HarmonyScript.Encode($"{character}").Single()),
    ];

    private static readonly float[] Noise = CreateNoise();

    private readonly GptOssModel _model = ScriptedModel.Create(
        new ScriptedReplies(Read, HarmonyTokenizer.VocabularySize),
        maxModelLength: 4_096,
        maxSequences: 8,
        maxStepTokens: 4_096,
        vocabularySize: HarmonyTokenizer.VocabularySize,
        cachesPrefixes: false);

    public GptOssChatClient Client => _model.AsIChatClient();

    public void Dispose() => _model.Dispose();

    private static ScriptedReplies.Reply Read(ReadOnlySpan<int> prompt)
    {
        var last = prompt[^1];
        return (output, logits) => Write(output, output.IsEmpty ? last : output[^1], logits);
    }

    private static void Write(ReadOnlySpan<int> output, int last, Span<float> logits)
    {
        Noise.AsSpan((int)(((uint)(output.Length + 1) * 7_919 * (uint)(last + 1)) % (Noise.Length - logits.Length)), logits.Length)
            .CopyTo(logits);
        foreach (var token in Liked)
        {
            logits[token] += Liking;
        }
    }

    private static float[] CreateNoise()
    {
        var random = new Random(1);
        var noise = new float[HarmonyTokenizer.VocabularySize + 10_000];
        for (var i = 0; i < noise.Length; i++)
        {
            noise[i] = (float)random.NextDouble() * 4;
        }

        return noise;
    }
}
