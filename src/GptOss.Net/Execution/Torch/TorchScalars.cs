using TorchSharp;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Tensor operations that take a number, with numbers that stay alive.</summary>
/// <remarks>
/// For each such call TorchSharp makes a <see cref="Scalar"/> with a finalizer and passes on its bare handle, so the garbage
/// collector may free it while native code reads it; even a plain <c>a + b</c> has one, its factor. Every scalar is therefore
/// held by a field: here, or of the object that computes.
/// </remarks>
internal static class TorchScalars
{
    public static readonly Scalar One = 1L;

    private static readonly Scalar MinusOne = -1L;

    /// <summary><c>a + b</c></summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary><c>a += b</c>; returns <paramref name="a"/>.</summary>
    public static Tensor PlusInPlace(this Tensor a, Tensor b) => a.add_(b, One);

    /// <summary><c>a += b</c>; returns <paramref name="a"/>.</summary>
    public static Tensor PlusInPlace(this Tensor a, Scalar b) => a.add_(b, One);

    /// <summary><c>a − b</c></summary>
    public static Tensor Minus(this Tensor a, Tensor b) => a.add(b, MinusOne);
}
