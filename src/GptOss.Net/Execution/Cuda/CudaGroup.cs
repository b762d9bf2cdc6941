using GptOss.Net.KVCache;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// The whole model on cards that share every layer (tensor parallel): each has some of the rows of every matrix and all of k. No sum
/// is ever split, so that the bits are one card's. The first card samples.
/// </summary>
/// <remarks>
/// For one or two sequences that decode on two cards, the kernels themselves tell both their results (<see cref="PairStage"/>); for other
/// steps results are exchanged between the kernels (<see cref="CudaExchange"/>). The cards wait for each other on their own: all are given
/// the same work, and none is given anything between that the others do not get.
/// </remarks>
internal sealed class CudaGroup : ICudaPart
{
    private const int ExchangesOfLayer = 4;

    // Numbers only grow, up to half of what an int holds; then everything that was said is forgotten.
    private const int MaxSteps = (1 << 30) / CudaExchange.NumbersOfStep;

    private readonly Member[] _members;
    private readonly CudaShape _shape;
    private readonly nint[][] _done; // [members][slots]
    private readonly int _rowTile;
    private int _number;

    /// <param name="cards">The cards, with what steps need; the first samples.</param>
    /// <param name="part">The whole model.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="weights">Each card's share.</param>
    /// <param name="capacity">Blocks of the cache in a layer of each kind.</param>
    /// <param name="options">The sizes.</param>
    /// <param name="stepsInFlight">How many steps are begun before the first is completed.</param>
    /// <param name="isDirect">Whether the cards see each other's memory.</param>
    public CudaGroup(
        IReadOnlyList<CudaCard> cards,
        ModelPart part,
        CudaShape shape,
        IReadOnlyList<CudaWeights> weights,
        KVCacheCapacity capacity,
        CudaExecutorOptions options,
        int stepsInFlight,
        bool isDirect)
    {
        (_shape, Part, _rowTile) = (shape, part, CudaWorkspace.Rows(options.MaxSequences));
        var exchanges =
            cards.Select((card, i) => new CudaExchange(card, shape, new CudaShare(i, cards.Count), options, isDirect)).ToArray();
        Array.ForEach(exchanges, exchange => exchange.Connect(exchanges));
        _members =
            [.. cards.Select((card, i) => new Member(card, new CudaShare(i, cards.Count), shape, weights[i], capacity, exchanges[i]))];
        _done = [.. cards.Select(card => Enumerable.Range(0, stepsInFlight).Select(_ => card.Driver.CreateEvent()).ToArray())];
    }

    public CudaCard Card => _members[0].Card;

    public ModelPart Part { get; }

    public long PageLockedBytes => _members.Sum(member => member.Exchange.PageLockedBytes);

    public bool IsLayered(StepBatch batch, in StepShape step) => _members.Length == 2 && LayeredStage.Serves(batch, step);

    private int LogitsNumber => ExchangesOfLayer * _shape.Config.LayerCount;

    public void Copy(IReadOnlyList<BlockCopy> copies)
    {
        foreach (var member in _members)
        {
            member.Stage.Copy(member.Card.Launches, copies);
        }
    }

    public StepShape Send(StepBatch batch, int slot)
    {
        if (++_number == MaxSteps)
        {
            _number = 1;
            Array.ForEach(_members, member => member.Card.Driver.SynchronizeStream(member.Card.Stream));
            Array.ForEach(_members, member => member.Exchange.Forget());
        }

        StepShape step = default;
        foreach (var member in _members)
        {
            step = member.Card.Inputs.Send(batch, slot, member.Card.Stream, _number * CudaExchange.NumbersOfStep);
        }

        return step;
    }

    public void Forward(StepShape step, bool isLayered, int slot, nint chosen)
    {
        if (!isLayered && (!step.IsDecode || step.Tokens > StepBuckets.Largest))
        {
            Forward(_members, member => member.Card.Launches, step, chosen);
            return;
        }

        // All are recorded before one runs: a card that waits must not keep the other from getting its work.
        var graphs = Array.ConvertAll(_members, member => member.Graphs.Find(
            member.Card.Launches,
            step.Tokens,
            step.Chunks,
            isLayered ? slot : StepGraphs.Batched,
            recording => Record(member, recording, step, isLayered, slot, chosen)));
        for (var i = 0; i < _members.Length; i++)
        {
            if (isLayered)
            {
                _members[i].Exchange.BeginWords(step.Tokens);
            }

            _members[i].Card.Driver.LaunchGraph(graphs[i], _members[i].Card.Stream);
        }
    }

    public void Unembed(int firstRow, int rows, int slot)
    {
        var number = LogitsNumber + (2 * (firstRow / _rowTile));
        foreach (var member in _members)
        {
            if (firstRow > 0)
            {
                member.Exchange.Meet(member.Card.Launches, number - 1); // The first card has delivered the logits before these.
            }

            var stream = member.Card.Launches with { IsDependent = true };
            member.Stage.Unembed(stream, firstRow, rows, member.Exchange.LogitsOf(slot, isLayered: false, number).Address);
            member.Exchange.Logits(stream, rows, slot, isLayered: false, number);
        }
    }

    /// <summary>The tokens that the first card has sampled go to the others.</summary>
    public void Sampled(nint chosen, int rows)
    {
        foreach (var member in _members)
        {
            member.Exchange.SendChosen(member.Card.Launches, chosen, rows);
        }
    }

    public void End(int slot)
    {
        for (var i = 0; i < _members.Length; i++)
        {
            var card = _members[i].Card;
            _members[i].Exchange.Report();
            card.Driver.RecordEvent(_done[i][slot], card.Stream);
        }
    }

    public void Wait(int slot, int tokens, TimeSpan limit)
    {
        for (var i = 0; i < _members.Length; i++)
        {
            _members[i].Card.Wait(_done[i][slot], tokens, limit);
        }

        // Whoever has given up names one that has not; where all have, the first that was late is not known.
        var waited = _members.Where(member => member.Exchange.HasGivenUp()).ToArray();
        foreach (var member in waited)
        {
            var other = (_members.Except(waited).FirstOrDefault() ?? _members.First(one => one != member)).Card.Device;
            throw new CudaException(
                "A step",
                other,
                CudaException.NoAnswer,
                $"{member.Card.Device} has not heard of it for {member.Exchange.Patience.TotalSeconds:0.#} s. "
                + "It, its driver or its link hangs");
        }
    }

    public void Dispose()
    {
        for (var i = 0; i < _members.Length; i++)
        {
            _members[i].Graphs.Dispose();
            _members[i].Exchange.Dispose();
            Array.ForEach(_done[i], _members[i].Card.Driver.DestroyEvent);
        }
    }

    private void Record(Member member, KernelStream recording, StepShape step, bool isLayered, int slot, nint chosen)
    {
        if (!isLayered)
        {
            Forward([member], _ => recording, step, chosen);
            return;
        }

        var (logits, stride) = member.Exchange.LogitsOf(slot, isLayered: true, LogitsNumber);
        member.Pair!.Forward(recording, step, Chosen(member, chosen), logits, stride);
        member.Exchange.Logits(recording, step.Tokens, slot, isLayered: true, LogitsNumber);
    }

    /// <summary>Launches the batched kernels, turn by turn where there are several members, so that none waits long for the host.</summary>
    private void Forward(Member[] members, Func<Member, KernelStream> streams, StepShape step, nint chosen)
    {
        var tokens = step.Tokens;
        var inWords = step.IsDecode && tokens <= members[0].Exchange.MostDecodes;
        Array.ForEach(members, member => member.Stage.Embed(streams(member), step, Chosen(member, chosen)));
        for (var layer = 0; layer < _shape.Config.LayerCount; layer++)
        {
            var (own, number) = (layer, ExchangesOfLayer * layer);
            Array.ForEach(members, member =>
            {
                var stream = streams(member);
                if (inWords)
                {
                    member.Stage.Attend(
                        stream, step, own, isNormed: own > 0, decode => member.Exchange.Merge(stream, tokens, decode, number));
                    return;
                }

                member.Stage.Attend(stream, step, own);
                member.Exchange.Attended(stream, tokens, number);
            });
            Array.ForEach(members, member =>
            {
                var (stream, projected) = (streams(member), member.Card.Workspace.Projected);
                member.Stage.Project(stream, step, own);
                if (inWords)
                {
                    member.Exchange.Norm(stream, tokens, projected, 1, member.Weights.Layers[own].MlpNorm, forExperts: true, number + 1);
                }
                else
                {
                    member.Exchange.Residual(stream, tokens, projected, 1, number + 1);
                }
            });
            Array.ForEach(members, member =>
            {
                member.Stage.RaiseExperts(streams(member), step, own, isNormed: inWords, member.Exchange.InnerShift);
                member.Exchange.Inner(streams(member), tokens, number + 2);
            });
            Array.ForEach(members, member =>
            {
                var (stream, y) = (streams(member), member.Card.Workspace.Experts.Y);
                member.Stage.LowerExperts(stream, step, own);
                if (inWords && own + 1 < _shape.Config.LayerCount)
                {
                    member.Exchange.Norm(
                        stream, tokens, y, _shape.TopK, member.Weights.Layers[own + 1].AttentionNorm, forExperts: false, number + 3);
                }
                else
                {
                    member.Exchange.Residual(stream, tokens, y, _shape.TopK, number + 3);
                }
            });
        }
    }

    private nint Chosen(Member member, nint first) => member == _members[0] ? first : member.Exchange.Chosen;

    /// <summary>A card of the group, and what it runs.</summary>
    private sealed class Member
    {
        public Member(CudaCard card, CudaShare share, CudaShape shape, CudaWeights weights, KVCacheCapacity capacity, CudaExchange exchange)
        {
            (Card, Exchange, Weights) = (card, exchange, weights);
            var kinds = shape.Config.LayerKinds;
            var storage = new CudaKVStorage(card.Memory, shape, kinds, capacity);
            Stage = new CudaStage(shape, share, card.Kernels, weights, storage, card.Workspace, card.Inputs, kinds);
            Pair = share.Count > 2 ? null : new PairStage(
                shape, share, card.Kernels, weights, storage, card.Workspace, card.Inputs, kinds, exchange.Words, exchange.Arena,
                exchange.Wire);
            Graphs = new StepGraphs(card.Driver);
        }

        public CudaCard Card { get; }

        public CudaExchange Exchange { get; }

        public CudaWeights Weights { get; }

        public CudaStage Stage { get; }

        public PairStage? Pair { get; }

        public StepGraphs Graphs { get; }
    }
}
