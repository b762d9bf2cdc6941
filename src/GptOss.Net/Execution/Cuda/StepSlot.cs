using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.Sampling;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What the host keeps of one step in flight: what comes back from the device, and the arrays of its result.</summary>
internal sealed unsafe class StepSlot : IDisposable
{
    private readonly ICudaDriver _driver;
    private readonly nint _results;
    private readonly int _sampledRows;
    private bool[] _forHost = [];
    private int[] _logitsIndices = [];
    private SampledToken[] _tokens = [];

    /// <param name="driver">The device.</param>
    /// <param name="memory">Owns what is allocated.</param>
    /// <param name="index">The number of the slot.</param>
    /// <param name="rows">The most rows of a step that are sampled.</param>
    public StepSlot(ICudaDriver driver, CudaMemory memory, int index, int rows)
    {
        (_driver, Index, _sampledRows) = (driver, index, rows);
        _results = memory.AllocateHost((long)rows * sizeof(SamplingKernels.Result));
        Logits = new HostLogits(driver);
    }

    public int Index { get; }

    /// <summary>Gets the rows of logits that the host wants.</summary>
    public HostLogits Logits { get; }

    /// <summary>Gets the step.</summary>
    public StepBatch? Batch { get; private set; }

    /// <summary>Gets or sets how many tokens the cards compute, padding included.</summary>
    public int ComputedTokens { get; set; }

    /// <summary>Gets or sets what went wrong when the step was begun.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Gets which rows go to the host, <c>[rows]</c>.</summary>
    public Span<bool> ForHost => _forHost.AsSpan(0, Rows);

    /// <summary>Gets which of the host's logits belongs to each row, <c>[rows]</c>.</summary>
    public Memory<int> LogitsIndices => _logitsIndices.AsMemory(0, Rows);

    public Memory<SampledToken> Tokens => _tokens.AsMemory(0, Rows);

    /// <summary>Gets or sets how many rows of logits the host has.</summary>
    public int HostRows { get; set; }

    private int Rows => Batch!.RowCount;

    /// <summary>Takes a step in.</summary>
    public void Begin(StepBatch batch)
    {
        (Batch, Failure, HostRows) = (batch, null, 0);
        if (_tokens.Length < batch.RowCount)
        {
            _forHost = new bool[batch.RowCount];
            _logitsIndices = new int[batch.RowCount];
            _tokens = new SampledToken[batch.RowCount];
        }
    }

    /// <summary>Lets the stream bring back what was sampled.</summary>
    public void Fetch(nint results, int sampled, nint stream)
    {
        if (sampled > 0)
        {
            _driver.Copy(_results, results, (long)sampled * sizeof(SamplingKernels.Result), stream);
        }
    }

    /// <summary>Reads what was sampled; returns the rows that turned out to be the host's.</summary>
    public IEnumerable<int> ReadTokens()
    {
        var late = new List<int>();
        for (var row = 0; row < Rows; row++)
        {
            _tokens[row] = SampledToken.LeftToHost;
            if (_forHost[row] || row >= _sampledRows)
            {
                continue;
            }

            ref var result = ref ((SamplingKernels.Result*)_results)[row];
            if (result.Status == SamplingKernels.RowStatus.Sampled)
            {
                _tokens[row] = Token(result, Batch!.Rows.Span[row].Options!);
            }
            else
            {
                late.Add(row); // The host's sampler also says what is wrong with a row.
            }
        }

        return late;
    }

    public void Dispose() => ((IDisposable)Logits).Dispose();

    private static SampledToken Token(in SamplingKernels.Result result, SamplingOptions options)
    {
        if (!options.LogProbabilities)
        {
            return new SampledToken(result.Token);
        }

        var top = new TokenLogProbability[result.TopCount];
        for (var i = 0; i < top.Length; i++)
        {
            top[i] = new TokenLogProbability(result.Tokens[i], result.Logs[i]);
        }

        return new SampledToken(result.Token, result.LogProbability, top);
    }
}
