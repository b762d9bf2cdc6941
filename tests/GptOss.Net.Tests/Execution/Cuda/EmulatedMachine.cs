namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>Several emulated devices that can reach each other's memory.</summary>
/// <remarks>
/// Their work waits in its streams until the host waits for an event or a stream; then one item of each stream runs in turn, a graph's
/// kernels one by one. Whoever forgets to let one stream wait for another gets wrong results when the other one is <see cref="Late"/>.
/// </remarks>
internal sealed class EmulatedMachine
{
    private readonly Lock _gate = new();
    private readonly List<Stream> _streams = [];

    public EmulatedMachine(int devices, uint turnOrder = 0) =>
        Devices = [.. Enumerable.Range(0, devices).Select(index => new EmulatedCudaDriver(turnOrder, this, index))];

    public IReadOnlyList<EmulatedCudaDriver> Devices { get; }

    /// <summary>Gets or sets the device that works only when no other one can.</summary>
    public int? Late { get; set; }

    /// <summary>Gets or sets what becomes of copies between two devices.</summary>
    public LinkFault Fault { get; set; }

    /// <summary>Gets or sets a value indicating whether devices can reach each other at all.</summary>
    public bool HasPeerAccess { get; set; } = true;

    /// <summary>Puts work behind what the stream has; it gives <see langword="false"/> while it cannot run.</summary>
    public void Add(EmulatedCudaDriver device, nint stream, Func<bool> work)
    {
        lock (_gate)
        {
            Find(device, stream).Work.Enqueue(work);
        }
    }

    /// <summary>Runs what can run until something is so; returns whether it is.</summary>
    public bool RunUntil(Func<bool> isDone)
    {
        lock (_gate)
        {
            while (!isDone())
            {
                if (!_streams.Where(stream => stream.Device != LateDevice).Aggregate(false, (ran, stream) => stream.TryRunNext() || ran)
                    && !_streams.Where(stream => stream.Device == LateDevice).Aggregate(false, (ran, stream) => stream.TryRunNext() || ran))
                {
                    return isDone();
                }
            }

            return true;
        }
    }

    public bool RunUntilIdle(EmulatedCudaDriver device, nint stream) => RunUntil(() => Find(device, stream).Work.Count == 0);

    /// <summary>Runs all that can run.</summary>
    public void Finish() => RunUntil(() => false);

    private EmulatedCudaDriver? LateDevice => Late is { } late ? Devices[late] : null;

    private Stream Find(EmulatedCudaDriver device, nint handle)
    {
        var stream = _streams.Find(known => known.Device == device && known.Handle == handle);
        if (stream is null)
        {
            _streams.Add(stream = new Stream(device, handle));
        }

        return stream;
    }

    private sealed record Stream(EmulatedCudaDriver Device, nint Handle)
    {
        public Queue<Func<bool>> Work { get; } = new();

        public bool TryRunNext()
        {
            if (Device.IsHung || Device.IsLost || !Work.TryPeek(out var next) || !next())
            {
                return false;
            }

            Work.Dequeue();
            return true;
        }
    }
}
