using GptOss.Net.Interop;
using static TorchSharp.torch;

namespace GptOss.Net.Tests.Interop;

public sealed class LibTorchPointersTests
{
    static LibTorchPointersTests() => TorchRuntime.EnsureLoaded();

    [Fact]
    public void Torch_computes_in_this_process()
    {
        using var scope = NewDisposeScope();

        ones(3).sum().item<float>().Should().Be(3f);
    }

    [Fact]
    public unsafe void The_pointer_reads_back_the_values()
    {
        using var values = arange(10, dtype: ScalarType.Float32);

        new ReadOnlySpan<float>((void*)values.DataPointer(), 10).ToArray().Should().Equal(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    [Fact]
    public unsafe void The_pointer_of_a_slice_includes_its_offset()
    {
        using var values = arange(10, dtype: ScalarType.Int64);
        using var tail = values.narrow(0, 7, 3);

        new ReadOnlySpan<long>((void*)tail.DataPointer(), 3).ToArray().Should().Equal(7, 8, 9);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0x4040)]
    [InlineData(ScalarType.Float16, 0x4200)]
    public unsafe void Half_precision_bits_are_readable(ScalarType type, int bitsOfThree)
    {
        using var three = tensor(3f, dtype: type);

        (*(ushort*)three.DataPointer()).Should().Be((ushort)bitsOfThree);
    }
}
