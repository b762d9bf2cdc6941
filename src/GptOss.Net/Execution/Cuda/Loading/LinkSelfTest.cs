using System.Runtime.InteropServices;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>Finds the way from one card to another: the direct one if all arrives that is sent there, or else main memory.</summary>
/// <remarks>
/// There are hosts on which the direct way is offered and lies: virtual machines and boards with an IOMMU bring zeros, or old data. Tested
/// is what the model relies on, <see cref="CudaLink"/>: patterns and zeros, small and large arrays and nothing beyond their end, and two
/// arrays right after each other.
/// </remarks>
internal sealed unsafe class LinkSelfTest : IDisposable
{
    private const int Largest = 4 << 20;
    private const byte Untouched = 0xA5;

    private static readonly int[] Sizes = [4, 256, 11_520, (1 << 20) + 4, Largest];

    private readonly CudaCard _from;
    private readonly CudaCard _to;
    private readonly TimeSpan _patience;
    private readonly CudaMemory _fromMemory;
    private readonly CudaMemory _toMemory;
    private readonly nint _source;
    private readonly nint _target;
    private readonly nint _sent;
    private readonly nint _back;
    private readonly nint _begun;
    private readonly nint _done;

    private LinkSelfTest(CudaCard from, CudaCard to, TimeSpan patience)
    {
        (_from, _to, _patience) = (from, to, patience);
        (_fromMemory, _toMemory) = (new CudaMemory(from.Driver), new CudaMemory(to.Driver));
        try
        {
            (_source, _target) = (_fromMemory.Allocate(Largest), _toMemory.Allocate(Largest));
            (_sent, _back) = (_fromMemory.AllocateHost(2 * Largest), _toMemory.AllocateHost(2 * Largest));
            (_begun, _done) = (to.Driver.CreateEvent(), to.Driver.CreateEvent());
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Tests one direction.</summary>
    /// <exception cref="CudaException">Not even main memory brings everything.</exception>
    public static LinkReport Run(CudaCard from, CudaCard to, TimeSpan patience, bool mayBeDirect = true)
    {
        using var test = new LinkSelfTest(from, to, patience);
        var problem = mayBeDirect ? "the driver offers no direct way" : "the direct way was ruled out";
        if (mayBeDirect && to.Driver.TryReach(from.Driver))
        {
            problem = test.Problem(LinkWay.Peer);
            if (problem is null)
            {
                return test.Report(LinkWay.Peer, null);
            }
        }

        return test.Problem(LinkWay.Host) is { } worse
            ? throw new CudaException(
                $"What {from.Device} sends does not reach {to.Device}, neither directly ({problem}) nor through main memory ({worse}). "
                + "Place the model on one of them.")
            : test.Report(LinkWay.Host, problem);
    }

    public void Dispose()
    {
        if (_done != 0)
        {
            _to.Driver.DestroyEvent(_begun);
            _to.Driver.DestroyEvent(_done);
        }

        _fromMemory.Dispose();
        _toMemory.Dispose();
    }

    /// <summary>What is wrong with a way; <see langword="null"/> if nothing is.</summary>
    private string? Problem(LinkWay way)
    {
        using var link = Link(way);
        foreach (var size in Sizes)
        {
            foreach (var pattern in (Func<int, uint>[])[i => (uint)i * 2_654_435_761u + 1, _ => 0, _ => uint.MaxValue])
            {
                if (!Arrives(link, size, pattern))
                {
                    return $"{size:N0} bytes arrived changed";
                }
            }
        }

        return ArriveInOrder(link) ? null : "of two arrays one after the other, one arrived twice";
    }

    private bool Arrives(CudaLink link, int size, Func<int, uint> pattern)
    {
        Words(_sent, size, pattern);
        _from.Driver.Copy(_source, _sent, size, _from.Stream);
        _to.Driver.Fill(_target, Untouched, Largest, _to.Stream);
        link.Send(0, size);
        link.Receive(0, size);
        _to.Driver.Copy(_back, _target, Largest, _to.Stream);
        Wait();
        var back = new ReadOnlySpan<byte>((void*)_back, Largest);
        return back[..size].SequenceEqual(new ReadOnlySpan<byte>((void*)_sent, size)) && !back[size..].ContainsAnyExcept(Untouched);
    }

    /// <summary>The second array is sent before the host knows of the first; the slots are those of steps in flight.</summary>
    private bool ArriveInOrder(CudaLink link)
    {
        for (var i = 0; i < 2; i++)
        {
            var seed = (uint)i;
            Words(_sent + (i * Largest), Largest, at => ((uint)at * 2_246_822_519u) ^ seed);
        }

        for (var i = 0; i < 2; i++)
        {
            link.AwaitTaken();
            _from.Driver.Copy(_source, _sent + (i * Largest), Largest, _from.Stream);
            link.Send(i, Largest);
            link.Receive(i, Largest);
            _to.Driver.Copy(_back + (i * Largest), _target, Largest, _to.Stream);
        }

        Wait();
        return new ReadOnlySpan<byte>((void*)_sent, 2 * Largest).SequenceEqual(new ReadOnlySpan<byte>((void*)_back, 2 * Largest));
    }

    private LinkReport Report(LinkWay way, string? problem)
    {
        using var link = Link(way);
        _to.Driver.RecordEvent(_begun, _to.Stream);
        link.Send(0, Largest);
        link.Receive(0, Largest);
        Wait();
        return new LinkReport(
            _from.Device, _to.Device, way, problem, Largest / 1e6 / Math.Max(1e-3, _to.Driver.MillisecondsBetween(_begun, _done)));
    }

    private CudaLink Link(LinkWay way) => new(_from, _source, _to, _target, Largest, way, stepsInFlight: 2, _fromMemory);

    private void Wait()
    {
        _to.Driver.RecordEvent(_done, _to.Stream);
        _to.Wait(_done, 0, _patience);
    }

    private static void Words(nint at, int bytes, Func<int, uint> value)
    {
        var words = MemoryMarshal.Cast<byte, uint>(new Span<byte>((void*)at, bytes));
        for (var i = 0; i < words.Length; i++)
        {
            words[i] = value(i);
        }
    }
}
