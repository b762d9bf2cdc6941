using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>RMSNorm of one row.</summary>
internal static unsafe class RmsNormKernel
{
    /// <summary>Normalizes a row.</summary>
    /// <param name="x">Values, padded with zeros to a multiple of 16.</param>
    /// <param name="scale">The learned scale, padded with zeros likewise.</param>
    /// <param name="size">How many values there are.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="result">Where the result goes, padding included.</param>
    public static void Normalize(float* x, float* scale, int size, float epsilon, float* result)
    {
        var squares = Vector512<float>.Zero;
        for (var i = 0; i < size; i += 16)
        {
            var values = Vector512.Load(x + i);
            squares = Vector512.FusedMultiplyAdd(values, values, squares);
        }

        var inverse = Vector512.Create(1 / MathF.Sqrt((Vector512.Sum(squares) / size) + epsilon));
        for (var i = 0; i < size; i += 16)
        {
            Vector512.Store(Vector512.Load(x + i) * inverse * Vector512.Load(scale + i), result + i);
        }
    }
}
