using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Sampling;
using Adjustment = GptOss.Net.Execution.Cuda.Kernels.SamplingKernels.Adjustment;
using Row = GptOss.Net.Execution.Cuda.Kernels.SamplingKernels.Row;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What is wanted of a step's rows, as the device reads it: rules, single tokens' changes, masks.</summary>
/// <remarks>Like <see cref="StepInputs"/>: one copy on the device, one in page-locked memory for each step in flight.</remarks>
internal sealed unsafe class SamplingInputs
{
    // Over all rows of a step: a row with more than is left goes to the host.
    private const int MaxAdjustments = 1 << 17;

    private readonly ICudaDriver _driver;
    private readonly MaskPool _masks;
    private readonly nint _rows;
    private readonly nint _adjustments;
    private readonly (nint Rows, nint Adjustments)[] _host;
    private readonly Dictionary<int, float> _biases = [];

    /// <param name="driver">The device.</param>
    /// <param name="memory">Owns what is allocated.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="rows">The most rows of a step that are sampled.</param>
    /// <param name="stepsInFlight">How many steps are packed at the same time.</param>
    public SamplingInputs(ICudaDriver driver, CudaMemory memory, CudaShape shape, int rows, int stepsInFlight)
    {
        _driver = driver;
        MaxRows = rows;
        _masks = new MaskPool(driver, memory, shape, rows, stepsInFlight);
        _rows = memory.Allocate((long)rows * sizeof(Row));
        _adjustments = memory.Allocate((long)MaxAdjustments * sizeof(Adjustment));
        _host = [.. Enumerable.Range(0, stepsInFlight).Select(_ => (
            memory.AllocateHost((long)rows * sizeof(Row)), memory.AllocateHost((long)MaxAdjustments * sizeof(Adjustment))))];
    }

    /// <summary>Gets how many rows of a step can be sampled; those behind them go to the host.</summary>
    public int MaxRows { get; }

    /// <summary>The bytes of the device that this takes.</summary>
    public static long Bytes(CudaShape shape, int rows) =>
        ((long)rows * sizeof(Row)) + ((long)MaxAdjustments * sizeof(Adjustment)) + MaskPool.Bytes(shape, rows);

    /// <summary>The address of a row's rules.</summary>
    public nint RowsFrom(int row) => _rows + (row * sizeof(Row));

    /// <summary>Packs what is wanted of the rows, and lets the stream bring it to the device.</summary>
    /// <param name="wanted">Of each row.</param>
    /// <param name="slot">Which of the steps in flight.</param>
    /// <param name="stream">Where it is computed.</param>
    /// <param name="forHost">Receives whether a row's logits go to the host instead, <c>[rows]</c>.</param>
    public SamplingNeeds Send(ReadOnlySpan<RowSampling> wanted, int slot, nint stream, Span<bool> forHost)
    {
        var count = Math.Min(wanted.Length, MaxRows);
        forHost[count..wanted.Length].Fill(true);
        var rows = new Span<Row>((void*)_host[slot].Rows, count);
        var adjustments = new Span<Adjustment>((void*)_host[slot].Adjustments, MaxAdjustments);
        var (used, needs) = (0, SamplingNeeds.None);
        _masks.Begin(slot);
        for (var i = 0; i < count; i++)
        {
            ref readonly var row = ref wanted[i];
            var adjusted = 0;
            forHost[i] = row.WantsLogits
                || row.Options!.TopLogProbabilities > SamplingKernels.MaxTop
                || !TryAdjust(row, adjustments, ref used, out adjusted);
            rows[i] = forHost[i] ? new Row { Flags = SamplingKernels.RowFlags.ForHost } : Rules(row, ref needs) with
            {
                Mask = row.Mask is { } mask ? _masks.Get(mask, stream) : 0,
                Adjustments = _adjustments + ((used - adjusted) * sizeof(Adjustment)),
                AdjustmentCount = adjusted,
            };
        }

        needs |= used > 0 ? SamplingNeeds.Adjustments : SamplingNeeds.None;
        _driver.Copy(_rows, _host[slot].Rows, (long)count * sizeof(Row), stream);
        if (used > 0)
        {
            _driver.Copy(_adjustments, _host[slot].Adjustments, (long)used * sizeof(Adjustment), stream);
        }

        return needs;
    }

    private static Row Rules(in RowSampling wanted, ref SamplingNeeds needs)
    {
        var options = wanted.Options!;
        var row = new Row
        {
            Random = (ulong)(wanted.Uniform * (1L << 53)) << 11,
            TopP = 1,
            MinOffset = float.NegativeInfinity,
            RepetitionPenalty = (float)options.RepetitionPenalty,
            PresencePenalty = (float)options.PresencePenalty,
            FrequencyPenalty = (float)options.FrequencyPenalty,
        };
        if (options.LogProbabilities)
        {
            needs |= SamplingNeeds.LogProbabilities;
            row.Flags = SamplingKernels.RowFlags.LogProbability;
            row.TopCount = options.TopLogProbabilities;
        }

        if (wanted.IsGreedy)
        {
            return row;
        }

        needs |= SamplingNeeds.Draws | (options is { TopK: 0, TopP: 1 } ? SamplingNeeds.None : SamplingNeeds.Truncation);
        return row with
        {
            Scale = (float)(1 / options.Temperature),
            TopP = (float)options.TopP,
            TopK = options.TopK,
            MinOffset = options.MinP > 0 ? (float)(options.Temperature * Math.Log(options.MinP)) : float.NegativeInfinity,
        };
    }

    /// <summary>Penalties and biases, one entry a token; false if they have no room.</summary>
    private bool TryAdjust(in RowSampling row, Span<Adjustment> to, ref int used, out int count)
    {
        var penalties = row.Penalties?.Counts;
        count = 0;
        if ((penalties?.Count ?? 0) + row.Bias.Length > to.Length - used)
        {
            return false;
        }

        var first = used;
        _biases.Clear();
        foreach (var (token, bias) in row.Bias)
        {
            _biases[token] = bias;
        }

        foreach (var (token, times) in penalties ?? [])
        {
            to[used++] = new Adjustment(token, times, _biases.Remove(token, out var bias) ? bias : 0);
        }

        foreach (var (token, bias) in _biases)
        {
            to[used++] = new Adjustment(token, -1, bias);
        }

        count = used - first;
        return true;
    }
}
