using GptOss.Net.Engine.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace GptOss.Net.Tests.Engine.Telemetry;

public sealed class TokenRateTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_steady_stream_has_its_rate()
    {
        var rate = new TokenRate(_time);

        for (var i = 0; i < 1_000; i++)
        {
            rate.Add(3);
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        rate.PerSecond().Should().BeApproximately(30, 0.5);
    }

    [Fact]
    public void The_first_seconds_count_by_their_own_length()
    {
        var rate = new TokenRate(_time);
        rate.Add(60);

        _time.Advance(TimeSpan.FromSeconds(2));

        rate.PerSecond().Should().Be(30);
    }

    [Fact]
    public void Nothing_is_left_after_ten_seconds()
    {
        var rate = new TokenRate(_time);
        rate.Add(60);

        _time.Advance(TimeSpan.FromSeconds(9));
        rate.PerSecond().Should().BePositive();
        _time.Advance(TimeSpan.FromSeconds(2));

        rate.PerSecond().Should().Be(0);
    }

    [Fact]
    public void A_slot_is_used_again_for_its_new_second_alone()
    {
        var rate = new TokenRate(_time);
        rate.Add(1_000);
        _time.Advance(TimeSpan.FromSeconds(10));

        rate.Add(9);

        rate.PerSecond().Should().Be(1);
    }
}
