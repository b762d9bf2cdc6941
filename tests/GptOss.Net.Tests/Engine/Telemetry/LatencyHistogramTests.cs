using CsCheck;
using GptOss.Net.Engine.Telemetry;

namespace GptOss.Net.Tests.Engine.Telemetry;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_exact_to_five_percent() =>
        Gen.Double[0.00002, 2_000].Array[1, 200].Sample(durations =>
        {
            var histogram = new LatencyHistogram();
            foreach (var duration in durations)
            {
                histogram.Record(duration);
            }

            Array.Sort(durations);
            var snapshot = histogram.Snapshot();
            snapshot.Count.Should().Be(durations.Length);
            snapshot.Mean.TotalSeconds.Should().BeApproximately(durations.Average(), 1e-6 * durations.Average());
            ShouldBeNear(snapshot.P50, Exact(durations, 50));
            ShouldBeNear(snapshot.P90, Exact(durations, 90));
            ShouldBeNear(snapshot.P99, Exact(durations, 99));
        });

    [Theory]
    [InlineData(0)]
    [InlineData(-1)] // a clock that was set back
    [InlineData(1e-9)]
    [InlineData(1e9)]
    public void Durations_out_of_range_count_in_the_outermost_bucket(double seconds)
    {
        var histogram = new LatencyHistogram();

        histogram.Record(seconds);

        histogram.Snapshot().Count.Should().Be(1);
    }

    // The least value that so many percent of all do not exceed.
    private static double Exact(double[] sorted, int percent) => sorted[((sorted.Length * percent) + 99) / 100 - 1];

    private static void ShouldBeNear(TimeSpan actual, double expected) =>
        actual.TotalSeconds.Should().BeApproximately(expected, 0.05 * expected);
}
