using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

public sealed class InstructionSetsTests
{
    [Theory]
    [InlineData(1 << 5, false, false, "AVX2")]
    [InlineData((1 << 5) | (1 << 16), false, false, "AVX2")]
    [InlineData((1 << 5) | (1 << 16), true, false, "AVX-512")]
    [InlineData(1 << 5, true, false, null)]
    [InlineData((1 << 5) | (1 << 16), true, true, null)]
    [InlineData(0, false, false, null)]
    public void What_the_processor_has_and_the_program_does_not_use_is_named(int features, bool has256, bool has512, string? expected)
    {
        InstructionSets.Describe(features, has256, has512).Should().Be(expected);
    }

    [Fact]
    public void Code_that_is_compiled_at_run_time_uses_all()
    {
        InstructionSets.Unused().Should().BeNull();
    }
}
