using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// A format of 4 bit codes: weight = (table[code] − zero) · scale. Of half a block's 256 bytes, byte (j, row, t), j &lt; 4, t &lt; 4, holds
/// column 8 j + t of the row in its low nibble and column 8 j + 4 + t in the high one: every 32-bit lane is a row.
/// </summary>
internal unsafe interface INibbleFormat : IWeightFormat
{
    /// <summary>Gets what the codes stand for, 0 … 24, as <see cref="Lanes.Table"/> repeats it.</summary>
    static abstract Vector512<byte> Table { get; }

    /// <summary>The scales of 16 rows.</summary>
    static abstract Vector512<float> Scales(byte* half);

    /// <summary>The zeros of 16 rows, 0 … 15.</summary>
    static abstract Vector512<int> Zeros(byte* half);
}
