namespace GptOss.Net.AspNetCore.Operations;

/// <summary>Counts values by upper bounds. Any number of threads may add.</summary>
internal sealed class Histogram(string name, double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private readonly Lock _lock = new();
    private double _sum;

    public string Name => name;

    /// <summary>Gets the name that it had in older versions of vLLM, under which dashboards may still look for it.</summary>
    public string? OldName { get; init; }

    public IReadOnlyList<double> Bounds => bounds;

    public void Add(double value)
    {
        var place = Array.BinarySearch(bounds, value);
        lock (_lock)
        {
            _counts[place < 0 ? ~place : place]++;
            _sum += value;
        }
    }

    /// <summary>The counts between the bounds, the last one above all, and the sum of the values.</summary>
    public (long[] Counts, double Sum) Read()
    {
        lock (_lock)
        {
            return ([.. _counts], _sum);
        }
    }
}
