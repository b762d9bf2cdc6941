using System.Runtime.InteropServices;
using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Brings the other card's words from main memory to the arena, beside the kernels that wait for them (<c>relay.cu</c>).</summary>
internal sealed unsafe class CudaRelay : IDisposable
{
    private const int PairBytes = 16;
    private const int WordBytes = 8;

    private readonly CudaCard _card;
    private readonly ExchangeKernels.RelayParameters[] _parameters; // for one sequence, and for two
    private readonly nint _stream;
    private readonly nint _sent;

    /// <param name="card">The card.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="other">What the other card computes.</param>
    /// <param name="words">The layout of arena and inbox.</param>
    /// <param name="parameters">Where these are, and how to wait.</param>
    public CudaRelay(CudaCard card, CudaShape shape, CudaShare other, WordArena words, ExchangeKernels.RelayParameters parameters)
    {
        _card = card;
        (_stream, _sent) = (card.Driver.CreateStream(), card.Driver.CreateEvent());
        _parameters = [.. Enumerable.Range(1, LayeredKernels.MaxSequences).Select(sequences =>
        {
            var jobs = Jobs(shape, other, words, sequences).ToArray();
            return parameters with { Jobs = Upload(jobs), Count = jobs.Length };
        })];
    }

    /// <summary>Begins a step whose numbers the card's stream has been given.</summary>
    public void Begin(int sequences)
    {
        var driver = _card.Driver;
        driver.RecordEvent(_sent, _card.Stream);
        driver.WaitEvent(_stream, _sent);
        _card.Kernels.Exchange.Relay(new KernelStream(driver, _stream, IsDependent: false), _parameters[sequences - 1]);
    }

    public void Dispose()
    {
        _card.Driver.DestroyStream(_stream);
        _card.Driver.DestroyEvent(_sent);
    }

    private static IEnumerable<ExchangeKernels.RelayJob> Jobs(CudaShape shape, CudaShare other, WordArena words, int sequences)
    {
        var (heads, hidden, inner) =
            (new RowRange(other.Index * shape.QueryWidth, shape.QueryWidth), other.Hidden(shape), other.Intermediate(shape));
        for (var layer = 0; layer < shape.Config.LayerCount; layer++)
        {
            yield return Job(words.Attended(layer), heads, shape.AttendedWidth, sequences, valuesOfWord: 2);
            yield return Job(words.Mid(layer), hidden, shape.Hidden, sequences, valuesOfWord: 1);
            yield return Job(words.Inner(layer), inner, shape.Intermediate, sequences * shape.TopK, valuesOfWord: 2);
            yield return Job(words.Hidden(layer + 1), hidden, shape.Hidden, sequences, valuesOfWord: 1);
        }
    }

    private static ExchangeKernels.RelayJob Job(nint array, RowRange columns, int width, int rows, int valuesOfWord)
    {
        var pair = valuesOfWord * PairBytes / WordBytes;
        return new((int)(array / PairBytes) + (columns.First / pair), columns.Count / pair, rows, width / pair);
    }

    private nint Upload(ExchangeKernels.RelayJob[] jobs)
    {
        var bytes = MemoryMarshal.AsBytes(jobs.AsSpan());
        var (to, from) = (_card.Memory.Allocate(bytes.Length), _card.Memory.AllocateHost(bytes.Length));
        bytes.CopyTo(new Span<byte>((void*)from, bytes.Length));
        _card.Driver.Copy(to, from, bytes.Length, _card.Stream);
        _card.Driver.SynchronizeStream(_card.Stream);
        return to;
    }
}
