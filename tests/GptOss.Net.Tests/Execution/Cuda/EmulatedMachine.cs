namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>Several emulated devices that can reach each other's memory.</summary>
/// <remarks>
/// Their work waits in its streams until the host waits for an event or a stream; then one item of each stream runs in turn, a graph's
/// kernels one by one. Whoever forgets to let one stream wait for another gets wrong results when the other one is <see cref="Late"/>.
/// Kernels that wait for another device's need machines whose streams work at the same time (<see cref="IsConcurrent"/>).
/// </remarks>
internal sealed class EmulatedMachine
{
    private readonly Lock _gate = new();
    private readonly List<Stream> _streams = [];

    public EmulatedMachine(int devices, uint turnOrder = 0) =>
        Devices = [.. Enumerable.Range(0, devices).Select(index => new EmulatedCudaDriver(turnOrder, this, index))];

    public IReadOnlyList<EmulatedCudaDriver> Devices { get; }

    /// <summary>Gets a value indicating whether each stream works at once, on a thread of its own.</summary>
    public bool IsConcurrent { get; init; }

    /// <summary>
    /// Gets or sets the device that works only when no other one can; where all do, that rests for 50 ms before it begins.
    /// </summary>
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
            Find(device, stream).Add(work);
        }
    }

    /// <summary>Runs what can run until something is so; returns whether it is.</summary>
    public bool RunUntil(Func<bool> isDone)
    {
        if (IsConcurrent)
        {
            return WaitUntil(isDone);
        }

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

    public bool RunUntilIdle(EmulatedCudaDriver device, nint stream)
    {
        Stream found;
        lock (_gate)
        {
            found = Find(device, stream);
        }

        return RunUntil(() => found.IsIdle);
    }

    /// <summary>Nothing more is given to a stream.</summary>
    public void End(EmulatedCudaDriver device, nint stream)
    {
        lock (_gate)
        {
            Find(device, stream).End();
        }
    }

    /// <summary>
    /// Ends a device: what its streams still have is not done any more. Returns whether nothing of the machine works now.
    /// </summary>
    public bool End(EmulatedCudaDriver device)
    {
        Stream[] all;
        lock (_gate)
        {
            all = [.. _streams];
        }

        foreach (var stream in all.Where(stream => stream.Device == device))
        {
            stream.Drop();
        }

        return Array.TrueForAll(all, stream => stream.IsIdle);
    }

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Returns as soon as nobody works any more, as a device that hangs.</summary>
    private bool WaitUntil(Func<bool> isDone)
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (!isDone() && System.Diagnostics.Stopwatch.GetElapsedTime(start) < Longest)
        {
            lock (_gate)
            {
                _streams.ForEach(stream => stream.Check());
                if (_streams.TrueForAll(stream => stream.IsIdle || stream.Device.IsHung))
                {
                    return isDone();
                }
            }

            Thread.Sleep(0);
        }

        return isDone();
    }

    /// <summary>Runs all that can run.</summary>
    public void Finish() => RunUntil(() => false);

    private EmulatedCudaDriver? LateDevice => Late is { } late ? Devices[late] : null;

    private Stream Find(EmulatedCudaDriver device, nint handle)
    {
        var stream = _streams.Find(known => known.Device == device && known.Handle == handle);
        if (stream is null)
        {
            _streams.Add(stream = new Stream(this, device, handle));
        }

        return stream;
    }

    private sealed class Stream
    {
        private readonly EmulatedMachine _machine;
        private readonly Queue<Func<bool>> _work = new();
        private System.Runtime.ExceptionServices.ExceptionDispatchInfo? _failure;
        private readonly Thread? _thread;
        private bool _ended;

        public Stream(EmulatedMachine machine, EmulatedCudaDriver device, nint handle)
        {
            (_machine, Device, Handle) = (machine, device, handle);
            if (machine.IsConcurrent)
            {
                _thread = new Thread(Work) { IsBackground = true, Name = $"stream {handle}" };
                _thread.Start();
            }
        }

        public EmulatedCudaDriver Device { get; }

        public nint Handle { get; }

        public bool IsIdle
        {
            get
            {
                lock (_work)
                {
                    return _work.Count == 0;
                }
            }
        }

        public void Add(Func<bool> work)
        {
            lock (_work)
            {
                _work.Enqueue(work);
                Monitor.Pulse(_work);
            }
        }

        public void End()
        {
            lock (_work)
            {
                _ended = true;
                Monitor.Pulse(_work);
            }
        }

        public void Drop()
        {
            lock (_work)
            {
                _ended = true;
                _work.Clear();
                Monitor.Pulse(_work);
            }

            _thread?.Join(TimeSpan.FromSeconds(10));
        }

        public void Check() => _failure?.Throw();

        public bool TryRunNext()
        {
            if (Device.IsHung || Device.IsLost || !_work.TryPeek(out var next) || !next())
            {
                return false;
            }

            lock (_work)
            {
                _work.TryDequeue(out _);
            }

            return true;
        }

        private void Work()
        {
            while (Await())
            {
                try
                {
                    if (!TryRunNext())
                    {
                        Thread.Sleep(1);
                    }
                }
#pragma warning disable CA1031 // Thrown where somebody waits.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    _failure = System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(exception);
                    return;
                }
            }
        }

        private bool Await()
        {
            lock (_work)
            {
                var rested = _work.Count > 0;
                while (_work.Count == 0)
                {
                    if (_ended)
                    {
                        return false;
                    }

                    Monitor.Wait(_work);
                }

                if (rested || _machine.LateDevice != Device)
                {
                    return true;
                }
            }

            Thread.Sleep(50);
            return true;
        }
    }
}
