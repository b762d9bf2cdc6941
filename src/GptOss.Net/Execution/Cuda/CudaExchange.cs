using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// One card's end of the links to those with which it shares every layer: gives them the columns that this one has computed, and takes
/// theirs.
/// </summary>
/// <remarks>
/// All cards launch the same exchanges in the same order. Of more than two, each speaks with the others in turn: in round r with the card
/// whose number differs from its own by the bits of r, so that the cards of a round are pairs, and nobody waits for ever. Where cards see
/// each other's memory, they store straight into each other's arrays; else into inboxes in page-locked main memory. Nothing is allocated or
/// waited for by the host after the load.
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
    private readonly nint _chosenWords; // where the other cards find what the first has sampled
    private readonly int _chosenBytes;
    private readonly nint _stream;
    private readonly CudaRelay? _relay;
    private CudaExchange[] _all = [];
    private CudaExchange[] _others = []; // by rounds
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
        MostDecodes = isDirect && IsPair ? Math.Min(StepBuckets.RoundUp(options.MaxSequences), StepBuckets.Largest) : 0;
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
        (_flags, _chosenWords) = (allocate(share.Others * FlagBytes), allocate(_chosenBytes));
        if (isDirect)
        {
            Forget();
            return;
        }

        _inboxBytes = InboxBytes(shape, CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences), rows);
        _inbox = memory.AllocateHost(share.Others * 2 * _inboxBytes);
        WordInbox = memory.AllocateHost(Words.Bytes);
        PageLockedBytes = memory.AllocatedHostBytes - before;
        Forget();
        _relay = IsPair
            ? new CudaRelay(card, shape, new CudaShare(1 - share.Index, share.Count), Words, new(Arena, WordInbox, 0, Silent, 0))
            : null;
    }

    /// <summary>
    /// Gets of how many sequences' tokens there is room for words; 0 where the cards do not see each other's memory, and of more than two.
    /// </summary>
    public int MostDecodes { get; }

    /// <summary>Gets whether the cards see each other's memory.</summary>
    public bool IsDirect { get; }

    /// <summary>Gets where the words of a step lie in the arena.</summary>
    public WordArena Words { get; }

    /// <summary>Gets the card's arena of words.</summary>
    public nint Arena { get; }

    /// <summary>Gets where the other card's words come if it does not see the arena; else 0.</summary>
    public nint WordInbox { get; }

    /// <summary>Gets where the other cards find what the first has sampled, int <c>[rows]</c>.</summary>
    public nint Chosen { get; }

    /// <summary>Gets the bytes of main memory through which this card hears of others; 0 if they see each other's memory.</summary>
    public long PageLockedBytes { get; }

    /// <summary>Gets how kernels tell words.</summary>
    public Wire Wire => Silent with { Shift = (IsDirect ? Other.Arena : Other.WordInbox) - Arena };

    /// <summary>Gets how long a card waits for the other.</summary>
    public TimeSpan Patience { get; }

    private ICudaDriver Driver { get; }

    private Wire DecodeWire => Silent with { Shift = Other._decodeWords - _decodeWords };

    private Wire Silent => new(_number, _error, (ulong)Patience.TotalNanoseconds, Shift: 0);

    // Only two cards speak in words, and compute into each other's memory.
    private bool IsPair => _share.Count == 2;

    private CudaExchange Other => IsPair && _others.Length == 1
        ? _others[0]
        : throw new InvalidOperationException("The card is not connected, or to more than one.");

    /// <summary>Names the ends of all cards, this one's included.</summary>
    public void Connect(CudaExchange[] all) =>
        (_all, _others) = (all, [.. Enumerable.Range(1, all.Length - 1).Select(round => all[_share.Index ^ round])]);

    /// <summary>Before the kernels of a step that tell words: lets the other card's come, where it does not see the arena.</summary>
    public void BeginWords(int sequences) => _relay?.Begin(sequences);

    /// <summary>Attention's result of all heads.</summary>
    public void Attended(KernelStream stream, int tokens, int number) => Bring(
        stream,
        new(_workspace.Attended, static workspace => workspace.Attended, tokens, _shape.AttendedWidth * sizeof(ushort), number),
        static (share, shape) => Bytes(new(share.Index * shape.QueryWidth, shape.QueryWidth), sizeof(ushort)));

    /// <summary>Gets how far the other card's inner values lie from this one's if this one computes its own there, too; else 0.</summary>
    public nint InnerShift => IsDirect && IsPair ? Other._workspace.Experts.H - _workspace.Experts.H : 0;

    /// <summary>The experts' inner values.</summary>
    public void Inner(KernelStream stream, int tokens, int number)
    {
        if (InnerShift != 0)
        {
            Meet(stream, number);
            return;
        }

        Bring(
            stream,
            new(
                _workspace.Experts.H, static workspace => workspace.Experts.H, tokens * _shape.TopK, _shape.Intermediate * sizeof(ushort),
                number),
            static (share, shape) => Bytes(share.Intermediate(shape), sizeof(ushort)));
    }

    /// <summary>The residual, to which each card first adds its columns of what attention or the experts gave.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="add">float <c>[tokens, parts, own columns]</c>.</param>
    /// <param name="parts">How many rows are added for each token.</param>
    /// <param name="number">Of the exchange.</param>
    public void Residual(KernelStream stream, int tokens, nint add, int parts, int number) => Bring(
        stream,
        new(_workspace.Residual, static workspace => workspace.Residual, tokens, _shape.Hidden * sizeof(float), number, add, parts),
        static (share, shape) => Bytes(share.Hidden(shape), sizeof(float)));

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

    /// <summary>The first card does not go on before all others are here, nor one of these before the first is.</summary>
    public void Meet(KernelStream stream, int number) =>
        Bring(stream, new(0, There: null, 0, PieceBytes, number), static (_, _) => default, withFirst: true);

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
            Driver.Fill(_flags, 0, _share.Others * FlagBytes, _stream);
            Driver.Fill(_chosenWords, 0, _chosenBytes, _stream);
        }
        else
        {
            new Span<byte>((void*)_flags, _share.Others * FlagBytes).Clear();
            new Span<byte>((void*)WordInbox, checked((int)Words.Bytes)).Clear();
            new Span<byte>((void*)_chosenWords, _chosenBytes).Clear();
        }

        Driver.SynchronizeStream(_stream);
    }

    public void Dispose() => _relay?.Dispose();

    private static RowRange Bytes(RowRange columns, int size) => new(columns.First * size, columns.Count * size);

    // Two inboxes in turn for each round: the other card may begin the next exchange while this one still takes from the last.
    private nint Inbox(int round, int number) => _inbox + (nint)(((2 * (round - 1)) + (number & 1)) * _inboxBytes);

    private nint Flags(int round) => _flags + ((round - 1) * FlagBytes);

    /// <summary>Launches an exchange, with one card after the other.</summary>
    /// <param name="stream">Where to launch.</param>
    /// <param name="rows">What is exchanged.</param>
    /// <param name="columns">The columns of a card, in bytes of a row.</param>
    /// <param name="withFirst">Whether only the first card exchanges with the others.</param>
    private void Bring(KernelStream stream, Rows rows, Func<CudaShare, CudaShape, RowRange> columns, bool withFirst = false)
    {
        var own = columns(_share, _shape);
        for (var round = 1; round <= _others.Length; round++)
        {
            var peer = _others[round - 1];
            if (withFirst && _share.Index != 0 && peer._share.Index != 0)
            {
                continue;
            }

            var other = columns(peer._share, _shape);
            _kernels.Exchange(stream, new(
                rows.Here,
                rows.IsThere ? 0 : IsDirect ? rows.There?.Invoke(peer._workspace) ?? 0 : peer.Inbox(round, rows.Number),
                IsDirect ? 0 : Inbox(round, rows.Number),
                rows.Add,
                peer.Flags(round),
                Flags(round),
                Silent,
                rows.Count,
                rows.Stride,
                own.First,
                own.Count,
                other.First,
                other.Count,
                rows.Parts,
                rows.Number));
            rows = rows with { Add = 0, Parts = 0 }; // It is added by now.
        }
    }

    /// <param name="Here">The array on this card.</param>
    /// <param name="There">The same on another; null: nothing.</param>
    /// <param name="Count">Rows.</param>
    /// <param name="Stride">Bytes of a row.</param>
    /// <param name="Number">Of the exchange.</param>
    /// <param name="Add">What is added to the own columns first, or 0.</param>
    /// <param name="Parts">How many rows of that for each row.</param>
    /// <param name="IsThere">Whether the own columns are on the other card already, or in its inbox.</param>
    private readonly record struct Rows(
        nint Here, Func<CudaWorkspace, nint>? There, int Count, int Stride, int Number, nint Add = 0, int Parts = 0, bool IsThere = false);
}
