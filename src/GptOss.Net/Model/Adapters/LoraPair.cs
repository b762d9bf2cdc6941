using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// The two small matrices that an adapter has for a module: <paramref name="A"/> <c>[rank, in]</c> and <paramref name="B"/> <c>[out,
/// rank]</c>. For all experts at once, PEFT stores <c>[experts · rank, in]</c>, an expert after the other, and <c>[out, rank ·
/// experts]</c>, an expert beside the other (<c>ParamWrapper.get_delta_weight</c>).
/// </summary>
/// <param name="Module">The module's name in the adapter.</param>
/// <param name="A">The first matrix.</param>
/// <param name="B">The second matrix.</param>
/// <param name="Magnitude">How long each row of the merged matrix is, <c>[out]</c> (DoRA); <see langword="null"/> for as it comes.</param>
internal sealed record LoraPair(string Module, CheckpointTensor A, CheckpointTensor B, CheckpointTensor? Magnitude)
{
    private readonly Lazy<float[]> _a = new(A.ReadSingles);
    private readonly Lazy<float[]> _b = new(B.ReadSingles);
    private readonly Lazy<float[]?> _magnitude = new(() => Magnitude?.ReadSingles());

    public int InputSize => (int)A.Shape[1];

    public int OutputSize => (int)B.Shape[0];

    /// <summary>Gets the length of what A gives and B takes, of all experts together.</summary>
    public int Width => (int)A.Shape[0];

    public float[] AValues => _a.Value;

    public float[] BValues => _b.Value;

    public float[]? MagnitudeValues => _magnitude.Value;
}
