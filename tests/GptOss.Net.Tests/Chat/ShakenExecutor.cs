using System.Numerics;
using System.Runtime.InteropServices;
using GptOss.Net.Execution;
using GptOss.Net.Harmony;

namespace GptOss.Net.Tests.Chat;

/// <summary>An executor that adds noise to the logits of another: the model's sense is still in them, its certainty is not.</summary>
internal sealed class ShakenExecutor(IModelExecutor inner) : IModelExecutor
{
    private const double Strength = 3; // standard deviation, in logits
    private const int Probe = 1_000; // the token whose logit tells texts apart

    // Longer than a row: where a row's noise begins depends on its logits, so that equal texts are shaken alike in any batch.
    private static readonly float[] Noise = CreateNoise(HarmonyTokenizer.VocabularySize + 65_536);

    public int MaxStepsInFlight => inner.MaxStepsInFlight;

    public void Begin(StepBatch batch) => inner.Begin(batch);

    public StepResult Complete()
    {
        var result = inner.Complete();
        Parallel.For(0, result.Logits.Length / result.VocabularySize, row => Shake(result.Row(row)));
        return result;
    }

    public bool CanContinue() => inner.CanContinue();

    public void Dispose() => inner.Dispose();

    private static void Shake(Span<float> logits)
    {
        var start = (int)((BitConverter.SingleToUInt32Bits(logits[Probe]) * 2_654_435_761u) >> 16);
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(logits); // a whole number of them
        var noise = MemoryMarshal.Cast<float, Vector<float>>(Noise.AsSpan(start, logits.Length));
        for (var i = 0; i < vectors.Length; i++)
        {
            vectors[i] += noise[i];
        }
    }

    private static float[] CreateNoise(int length)
    {
        var random = new Random(1);
        var noise = new float[length];
        for (var i = 0; i < length; i++)
        {
            noise[i] = (float)(Strength * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return noise;
    }
}
