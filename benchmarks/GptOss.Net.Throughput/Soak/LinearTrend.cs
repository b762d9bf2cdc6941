namespace GptOss.Net.Throughput.Soak;

/// <summary>The straight line through measurements, by least squares.</summary>
internal static class LinearTrend
{
    /// <summary>By how much <c>Y</c> grows for each unit of <c>X</c>; not a number for fewer than two points.</summary>
    public static double Slope(IReadOnlyCollection<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(point => point.X), points.Average(point => point.Y));
        return points.Sum(point => (point.X - x) * (point.Y - y)) / points.Sum(point => (point.X - x) * (point.X - x));
    }
}
