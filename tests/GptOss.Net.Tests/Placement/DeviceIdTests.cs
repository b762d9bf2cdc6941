namespace GptOss.Net.Tests.Placement;

public class DeviceIdTests
{
    [Theory]
    [InlineData("cpu", false, 0)]
    [InlineData("cuda:0", true, 0)]
    [InlineData("cuda:12", true, 12)]
    public void A_name_is_read_and_written(string name, bool isCuda, int index)
    {
        DeviceId device = DeviceId.Parse(name);

        device.IsCuda.Should().Be(isCuda);
        device.Index.Should().Be(index);
        device.ToString().Should().Be(name);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("CPU")]
    [InlineData("cuda")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda: 1")]
    [InlineData("cuda:2147483647")]
    [InlineData("cuda:99999999999")]
    public void Other_names_are_refused(string? name) => DeviceId.TryParse(name, out _).Should().BeFalse();

    [Fact]
    public void The_message_shows_what_to_write() =>
        FluentActions.Invoking(() => DeviceId.Parse("gpu0")).Should().Throw<FormatException>()
            .WithMessage("'gpu0' is not a device. Write 'cpu', or 'cuda:0' for the first GPU.");

    [Fact]
    public void The_default_is_the_cpu() => default(DeviceId).Should().Be(DeviceId.Cpu);
}
