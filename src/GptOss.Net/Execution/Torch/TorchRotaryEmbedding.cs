using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Rotary position embedding on the halves of a head (openai/gpt-oss, torch/model.py: RotaryEmbedding).</summary>
internal sealed class TorchRotaryEmbedding(YarnParameters rope, int headDim)
{
    private readonly float[] _frequencies = YarnFrequencies.InverseFrequencies(rope, headDim);
    private readonly float _concentration = YarnFrequencies.Concentration(rope);

    /// <summary>Cosine and sine of the given positions, float32 <c>[tokens, 1, headDim / 2]</c>.</summary>
    public (Tensor Cos, Tensor Sin) Angles(ReadOnlySpan<int> positions, Device device)
    {
        var half = _frequencies.Length;
        var cos = new float[positions.Length * half];
        var sin = new float[positions.Length * half];
        for (var token = 0; token < positions.Length; token++)
        {
            YarnFrequencies.Angles(
                _frequencies, _concentration, positions[token], cos.AsSpan(token * half, half), sin.AsSpan(token * half, half));
        }

        long[] shape = [positions.Length, 1, half];
        return (tensor(cos, shape, device: device), tensor(sin, shape, device: device));
    }

    /// <summary>Turns <paramref name="x"/>, <c>[tokens, heads, headDim]</c>; the result is float32.</summary>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        var halves = x.to(ScalarType.Float32).chunk(2, -1);
        return cat([halves[0].mul(cos).Minus(halves[1].mul(sin)), halves[1].mul(cos).Plus(halves[0].mul(sin))], -1);
    }
}
