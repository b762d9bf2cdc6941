namespace GptOss.Net.Model;

/// <summary>
/// One expert. <paramref name="GateUp"/> holds its rows interleaved (even = gate, odd = up) when the checkpoint fuses them;
/// otherwise <paramref name="Gate"/> and <paramref name="Up"/> hold them apart. Exactly one of the two forms is set.
/// </summary>
internal sealed record ExpertSource(LinearSource? GateUp, LinearSource? Gate, LinearSource? Up, LinearSource Down)
{
    public long ByteLength =>
        (GateUp?.ByteLength ?? 0) + (Gate?.ByteLength ?? 0) + (Up?.ByteLength ?? 0) + Down.ByteLength;
}
