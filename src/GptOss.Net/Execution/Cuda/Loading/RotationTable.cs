using GptOss.Net.Interop.Cuda;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>
/// (cos, sin) of every position, float <c>[positions, 32, 2]</c>; pairs that a narrow head does not have stay as they are.
/// </summary>
internal static class RotationTable
{
    private const int Pairs = CudaShape.HeadDim / 2;

    public static long Bytes(int positions) => (long)positions * Pairs * 2 * sizeof(float);

    public static unsafe nint Load(ICudaDriver driver, CudaMemory memory, ModelConfig config, int positions)
    {
        var table = memory.Allocate(Bytes(positions));
        var host = driver.AllocateHost(Bytes(positions));
        try
        {
            var frequencies = YarnFrequencies.InverseFrequencies(config.Rope, config.HeadDim);
            var concentration = YarnFrequencies.Concentration(config.Rope);
            Parallel.For(0, positions, position =>
            {
                Span<float> cosines = stackalloc float[Pairs], sines = stackalloc float[Pairs];
                cosines.Fill(1);
                sines.Clear();
                YarnFrequencies.Angles(frequencies, concentration, position, cosines, sines);
                var to = new Span<float>((float*)host + ((long)position * Pairs * 2), Pairs * 2);
                for (var i = 0; i < Pairs; i++)
                {
                    (to[2 * i], to[(2 * i) + 1]) = (cosines[i], sines[i]);
                }
            });
            driver.Copy(table, host, Bytes(positions), stream: 0);
            driver.SynchronizeStream(0);
        }
        finally
        {
            driver.FreeHost(host);
        }

        return table;
    }
}
