namespace GptOss.Net.Throughput;

/// <summary>One run of one side, in tokens per second.</summary>
internal sealed record Measurement(double Prefill, double Decode)
{
    public static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToArray();
        return ordered[ordered.Length / 2];
    }
}
