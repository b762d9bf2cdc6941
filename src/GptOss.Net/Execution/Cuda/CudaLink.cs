namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// How an array goes from one card to another in every step: read there by the other card, or through page-locked main memory.
/// </summary>
/// <remarks>Nobody waits but the cards. The same bits arrive either way.</remarks>
internal sealed class CudaLink : IDisposable
{
    private readonly CudaCard _from;
    private readonly CudaCard _to;
    private readonly nint _source;
    private readonly nint _target;
    private readonly nint[] _host;
    private readonly nint _ready;
    private readonly nint _taken;

    /// <param name="from">The card that computes the array.</param>
    /// <param name="source">Where, on that card.</param>
    /// <param name="to">The card that goes on with it.</param>
    /// <param name="target">Where it is to be, on that card.</param>
    /// <param name="bytes">The most bytes.</param>
    /// <param name="way">How it goes.</param>
    /// <param name="stepsInFlight">How many steps are begun before the first is completed.</param>
    /// <param name="memory">Owns the main memory that it takes; by default the first card's.</param>
    public CudaLink(
        CudaCard from, nint source, CudaCard to, nint target, long bytes, LinkWay way, int stepsInFlight, CudaMemory? memory = null)
    {
        (_from, _source, _to, _target) = (from, source, to, target);
        _host = way == LinkWay.Host ? [.. Enumerable.Range(0, stepsInFlight).Select(_ => (memory ?? from.Memory).AllocateHost(bytes))] : [];
        _ready = from.Driver.CreateEvent();
        _taken = to.Driver.CreateEvent();
    }

    /// <summary>The array is there when the first card has done what it has so far.</summary>
    public void Send(int slot, long bytes)
    {
        if (_host.Length > 0)
        {
            _from.Driver.Copy(_host[slot], _source, bytes, _from.Stream);
        }

        _from.Driver.RecordEvent(_ready, _from.Stream);
    }

    /// <summary>The second card goes on when it has the array that was sent last.</summary>
    public void Receive(int slot, long bytes)
    {
        _to.Driver.WaitEvent(_to.Stream, _ready);
        _to.Driver.Copy(_target, _host.Length > 0 ? _host[slot] : _source, bytes, _to.Stream);
        _to.Driver.RecordEvent(_taken, _to.Stream);
    }

    /// <summary>The first card goes on, and may change the array, when the second one has it.</summary>
    public void AwaitTaken()
    {
        if (_host.Length == 0)
        {
            _from.Driver.WaitEvent(_from.Stream, _taken);
        }
    }

    public void Dispose()
    {
        _from.Driver.DestroyEvent(_ready);
        _to.Driver.DestroyEvent(_taken);
    }
}
