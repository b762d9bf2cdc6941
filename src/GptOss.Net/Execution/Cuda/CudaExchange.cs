using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// One card's end of the link to the card with which it shares every layer: gives it the columns that this one has computed, and takes its.
/// </summary>
/// <remarks>
/// Both cards launch the same exchanges in the same order. Where they see each other's memory, a card stores straight into the other's
/// arrays; else into an inbox in page-locked main memory. Nothing is allocated or waited for by the host after the load.
/// </remarks>
internal sealed unsafe partial class CudaExchange : IDisposable
{
    /// <summary>Numbers of a step: its exchanges count on from the step's own.</summary>
    public const int NumbersOfStep = 1 << 12;

    private const int ChosenNumber = NumbersOfStep - 1;
    private const int PieceBytes = 16;
    private const int FlagBytes = ExchangeKernels.MaxBlocks * sizeof(uint);

    private readonly ExchangeKernels _kernels;
    private readonly CudaShape _shape;
    private readonly CudaShare _share;
    private readonly CudaWorkspace _workspace;
    private readonly nint _flags;
    private readonly nint _error;
    private readonly nint _errorOnHost;
    private readonly nint _inbox;
    private readonly long _inboxBytes;
    private readonly nint _number;
    private readonly nint _decodeWords; // behind attention, behind the experts, and attention's result
    private readonly long _decodeBytes;
    private readonly nint _chosenWords; // where the second card finds what the first has sampled
    private readonly int _chosenBytes;
    private readonly nint _stream;
    private readonly CudaRelay? _relay;
    private CudaExchange? _other;
    private bool _hasReported;

    /// <param name="card">The card.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="share">What of every matrix it has.</param>
    /// <param name="options">The sizes, and how long a card waits for the other.</param>
    /// <param name="isDirect">Whether the cards see each other's memory.</param>
    public CudaExchange(CudaCard card, CudaShape shape, CudaShare share, CudaExecutorOptions options, bool isDirect)
    {
        (_kernels, _shape, _share, _workspace) = (card.Kernels.Exchange, shape, share, card.Workspace);
        (Driver, _stream, _number, IsDirect) = (card.Driver, card.Stream, card.Inputs.Number, isDirect);
        Patience = options.Patience / 2; // The kernels end before the host gives the step up.
        var memory = card.Memory;
        Words = new WordArena(shape, shape.Config.LayerCount);
        Arena = memory.Allocate(Words.Bytes);
        MostDecodes = isDirect ? Math.Min(StepBuckets.RoundUp(options.MaxSequences), StepBuckets.Largest) : 0;
        _decodeBytes = (long)MostDecodes * shape.Hidden * sizeof(ulong);
        _decodeWords = memory.Allocate(DecodeWordsBytes(shape, MostDecodes));
        var rows = CudaWorkspace.Rows(options.MaxSequences);
        Chosen = memory.Allocate((long)rows * sizeof(int));
        _chosenBytes = rows * sizeof(ulong);
        _error = memory.AllocateZeros(PieceBytes, card.Stream);
        _errorOnHost = memory.AllocateHost(PieceBytes);
        *(uint*)_errorOnHost = 0;
        var before = memory.AllocatedHostBytes;
        Func<long, nint> allocate = isDirect ? memory.Allocate : memory.AllocateHost;
        (_flags, _chosenWords) = (allocate(FlagBytes), allocate(_chosenBytes));
        if (isDirect)
        {
            Forget();
            return;
        }

        _inboxBytes = InboxBytes(shape, CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences), rows);
        _inbox = memory.AllocateHost(2 * _inboxBytes);
        WordInbox = memory.AllocateHost(Words.Bytes);
        PageLockedBytes = memory.AllocatedHostBytes - before;
        Forget();
        _relay = new CudaRelay(card, shape, new CudaShare(1 - share.Index, share.Count), Words, new(Arena, WordInbox, 0, Silent, 0));
    }

    /// <summary>Gets of how many sequences' tokens there is room for words; 0 where the cards do not see each other's memory.</summary>
    public int MostDecodes { get; }

    /// <summary>Gets whether the cards see each other's memory.</summary>
    public bool IsDirect { get; }

    /// <summary>Gets where the words of a step lie in the arena.</summary>
    public WordArena Words { get; }

    /// <summary>Gets the card's arena of words.</summary>
    public nint Arena { get; }

    /// <summary>Gets where the other card's words come if it does not see the arena; else 0.</summary>
    public nint WordInbox { get; }

    /// <summary>Gets where the second card finds what the first has sampled, int <c>[rows]</c>.</summary>
    public nint Chosen { get; }

    /// <summary>Gets the bytes of main memory through which this card hears of the other; 0 if they see each other's memory.</summary>
    public long PageLockedBytes { get; }

    /// <summary>Gets how kernels tell words.</summary>
    public Wire Wire => Silent with { Shift = (IsDirect ? Other.Arena : Other.WordInbox) - Arena };

    /// <summary>Gets how long a card waits for the other.</summary>
    public TimeSpan Patience { get; }

    private ICudaDriver Driver { get; }

    private Wire DecodeWire => Silent with { Shift = Other._decodeWords - _decodeWords };

    private Wire Silent => new(_number, _error, (ulong)Patience.TotalNanoseconds, Shift: 0);

    private CudaExchange Other => _other ?? throw new InvalidOperationException("The card is not connected.");

    /// <summary>The bytes of a card's memory that this takes at most, for the plan.</summary>
    public static long Bytes(CudaShape shape, CudaExecutorOptions options)
    {
        var decodes = (long)Math.Min(StepBuckets.RoundUp(options.MaxSequences), StepBuckets.Largest);
        return new WordArena(shape, shape.Config.LayerCount).Bytes
            + DecodeWordsBytes(shape, decodes)
            + ((long)CudaWorkspace.Rows(options.MaxSequences) * (sizeof(int) + sizeof(ulong)))
            + FlagBytes
            + PieceBytes;
    }

    /// <summary>The bytes of main memory that a card without a view of the other's memory takes, for the plan.</summary>
    public static long PageLocked(CudaShape shape, CudaExecutorOptions options)
    {
        var rows = CudaWorkspace.Rows(options.MaxSequences);
        return (2 * InboxBytes(shape, CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences), rows))
            + new WordArena(shape, shape.Config.LayerCount).Bytes
            + FlagBytes
            + ((long)rows * sizeof(ulong));
    }

    /// <summary>The bytes of main memory into which a card without a view of the other's memory stores at once.</summary>
    public static long InboxBytes(CudaShape shape, int tokens, int rows) => Math.Max(
        Math.Max((long)tokens * shape.Hidden * sizeof(float), (long)tokens * shape.TopK * shape.Intermediate * sizeof(ushort)),
        Math.Max((long)tokens * shape.AttendedWidth * sizeof(ushort), (long)rows * shape.Vocabulary * sizeof(float)));

    /// <summary>Names the other end.</summary>
    public void Connect(CudaExchange other) => _other = other;

    /// <summary>Before the kernels of a step that tell words: lets the other card's come, where it does not see the arena.</summary>
    public void BeginWords(int sequences) => _relay?.Begin(sequences);

    /// <summary>Attention's result of all heads.</summary>
    public void Attended(KernelStream stream, int tokens, int number) => Bring(
        stream,
        new(_workspace.Attended, Other._workspace.Attended, tokens, _shape.AttendedWidth * sizeof(ushort), number),
        Heads(_share),
        Heads(Other._share));

    /// <summary>Gets how far the other card's inner values lie from this one's if this one computes its own there, too; else 0.</summary>
    public nint InnerShift => IsDirect ? Other._workspace.Experts.H - _workspace.Experts.H : 0;

    /// <summary>The experts' inner values.</summary>
    public void Inner(KernelStream stream, int tokens, int number)
    {
        if (IsDirect)
        {
            Meet(stream, number);
            return;
        }

        Bring(
            stream,
            new(_workspace.Experts.H, Other._workspace.Experts.H, tokens * _shape.TopK, _shape.Intermediate * sizeof(ushort), number),
            Bytes(_share.Intermediate(_shape), sizeof(ushort)),
            Bytes(Other._share.Intermediate(_shape), sizeof(ushort)));
    }

    /// <summary>The residual, to which each card first adds its columns of what attention or the experts gave.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="add">float <c>[tokens, parts, own columns]</c>.</param>
    /// <param name="parts">How many rows are added for each token.</param>
    /// <param name="number">Of the exchange.</param>
    public void Residual(KernelStream stream, int tokens, nint add, int parts, int number) => Bring(
        stream,
        new(_workspace.Residual, Other._workspace.Residual, tokens, _shape.Hidden * sizeof(float), number, add, parts),
        Bytes(_share.Hidden(_shape), sizeof(float)),
        Bytes(Other._share.Hidden(_shape), sizeof(float)));

    /// <summary>
    /// <see cref="Residual"/> for a token of each sequence, and the norm of the whole: of attention's or of the experts' result.
    /// </summary>
    public void Norm(KernelStream stream, int tokens, nint add, int parts, nint gain, bool forExperts, int number)
    {
        var own = _share.Hidden(_shape);
        _kernels.Norm(
            stream,
            new(
                _workspace.Residual, _workspace.Normed, add, gain, _decodeWords + (nint)(forExperts ? 0 : _decodeBytes), DecodeWire, parts,
                forExperts ? 1 : 0, own.First, own.Count, number),
            tokens);
    }

    /// <summary>Merges the chunks of a token of each sequence: <see cref="Attended"/>.</summary>
    public void Merge(KernelStream stream, int sequences, AttentionKernels.DecodeParameters decode, int number)
    {
        var first = _share.Index * _shape.QueryHeads;
        var words = _decodeWords + (nint)(2 * _decodeBytes) + (first * CudaShape.HeadDim / 2 * sizeof(ulong));
        _kernels.Merge(stream, new(decode, words, DecodeWire, (Other._share.Index * _shape.QueryHeads) - first, number), sequences);
    }

    /// <summary>Nobody goes on before the other card is here.</summary>
    public void Meet(KernelStream stream, int number) => Bring(stream, new(0, 0, 0, PieceBytes, number), default, default);

    /// <summary>Lets the stream tell the host whether somebody has waited too long, if the step's last exchange does not.</summary>
    public void Report()
    {
        if (!_hasReported)
        {
            Driver.Copy(_errorOnHost, _error, sizeof(uint), _stream);
        }

        _hasReported = false;
    }

    /// <summary>Whether this card has waited too long for the other, as last reported; forgets it.</summary>
    public bool HasGivenUp()
    {
        if (*(uint*)_errorOnHost == 0)
        {
            return false;
        }

        *(uint*)_errorOnHost = 0;
        Driver.Fill(_error, 0, sizeof(uint), _stream);
        return true;
    }

    /// <summary>Forgets what was said, so that numbers can begin anew; both cards rest.</summary>
    public void Forget()
    {
        Driver.Fill(Arena, 0, Words.Bytes, _stream);
        Driver.Fill(_decodeWords, 0, DecodeWordsBytes(_shape, MostDecodes), _stream);
        if (IsDirect)
        {
            Driver.Fill(_flags, 0, FlagBytes, _stream);
            Driver.Fill(_chosenWords, 0, _chosenBytes, _stream);
        }
        else
        {
            new Span<byte>((void*)_flags, FlagBytes).Clear();
            new Span<byte>((void*)WordInbox, checked((int)Words.Bytes)).Clear();
            new Span<byte>((void*)_chosenWords, _chosenBytes).Clear();
        }

        Driver.SynchronizeStream(_stream);
    }

    public void Dispose() => _relay?.Dispose();

    /// <summary>Words behind attention and behind the experts, and attention's result: of so many sequences' tokens.</summary>
    private static long DecodeWordsBytes(CudaShape shape, long sequences) =>
        sequences * sizeof(ulong) * ((2 * shape.Hidden) + (shape.AttendedWidth / 2));

    private static RowRange Bytes(RowRange columns, int size) => new(columns.First * size, columns.Count * size);

    private RowRange Heads(CudaShare share) => Bytes(new(share.Index * _shape.QueryWidth, _shape.QueryWidth), sizeof(ushort));

    // Two inboxes in turn: the other card may begin the next exchange while this one still takes from the last.
    private nint Turn(int number) => (nint)((number & 1) * _inboxBytes);

    /// <summary>Launches an exchange; ranges are bytes of a row.</summary>
    private void Bring(KernelStream stream, in Rows rows, RowRange own, RowRange other)
    {
        _kernels.Exchange(stream, new(
            rows.Here,
            rows.IsThere ? 0 : IsDirect ? rows.There : Other._inbox + Turn(rows.Number),
            IsDirect ? 0 : _inbox + Turn(rows.Number),
            rows.Add,
            Other._flags,
            _flags,
            Silent,
            rows.Count,
            rows.Stride,
            own.First,
            own.Count,
            other.First,
            other.Count,
            rows.Parts,
            rows.Number));
    }

    /// <param name="Here">The array on this card.</param>
    /// <param name="There">The same on the other.</param>
    /// <param name="Count">Rows.</param>
    /// <param name="Stride">Bytes of a row.</param>
    /// <param name="Number">Of the exchange.</param>
    /// <param name="Add">What is added to the own columns first, or 0.</param>
    /// <param name="Parts">How many rows of that for each row.</param>
    /// <param name="IsThere">Whether the own columns are on the other card already, or in its inbox.</param>
    private readonly record struct Rows(
        nint Here, nint There, int Count, int Stride, int Number, nint Add = 0, int Parts = 0, bool IsThere = false);
}
