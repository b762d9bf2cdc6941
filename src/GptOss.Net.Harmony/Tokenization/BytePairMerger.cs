namespace GptOss.Net.Harmony;

/// <summary>
/// Byte pair encoding of one piece: the adjacent pair whose concatenation has the lowest rank is merged first, the leftmost among equals.
/// A queue of pairs over a linked list makes it O(n log n): a piece may be as long as the text (a million equal letters, a page of
/// Chinese). Not thread-safe; use one for each text.
/// </summary>
internal sealed class BytePairMerger(Vocabulary vocabulary)
{
    private const int NoPair = int.MaxValue;
    private const int PairsBetweenChecks = 4_096; // of cancellation

    private readonly PriorityQueue<int, long> _queue = new(); // part → (rank, position); outdated entries stay and are skipped
    private int[] _next = []; // [bytes], start of the part after the one that starts here
    private int[] _previous = []; // [bytes], start of the part before, or -1
    private int[] _rank = []; // [bytes], rank of this part joined with the next, or NoPair

    /// <summary>Adds the tokens of a piece to a list.</summary>
    public void Encode(ReadOnlySpan<byte> piece, List<int> ids, CancellationToken cancellationToken = default)
    {
        if (vocabulary.Find(piece) is var whole && whole >= 0)
        {
            ids.Add(whole);
            return;
        }

        SplitIntoBytes(piece);
        for (var pair = 1; _queue.TryDequeue(out var part, out var priority); pair++)
        {
            if (pair % PairsBetweenChecks == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            if (_rank[part] == (int)(priority >> 32))
            {
                JoinWithNext(piece, part);
            }
        }

        for (var part = 0; part < piece.Length; part = _next[part])
        {
            ids.Add(vocabulary.Find(piece[part.._next[part]]));
        }
    }

    private void SplitIntoBytes(ReadOnlySpan<byte> piece)
    {
        if (_next.Length < piece.Length)
        {
            var size = Math.Max(piece.Length, 64);
            (_next, _previous, _rank) = (new int[size], new int[size], new int[size]);
        }

        for (var part = 0; part < piece.Length; part++)
        {
            (_next[part], _previous[part]) = (part + 1, part - 1);
        }

        for (var part = 0; part < piece.Length; part++)
        {
            Rank(piece, part);
        }
    }

    private void JoinWithNext(ReadOnlySpan<byte> piece, int part)
    {
        var absorbed = _next[part];
        _rank[absorbed] = NoPair;
        _next[part] = _next[absorbed];
        if (_next[part] < piece.Length)
        {
            _previous[_next[part]] = part;
        }

        Rank(piece, part);
        if (_previous[part] >= 0)
        {
            Rank(piece, _previous[part]);
        }
    }

    private void Rank(ReadOnlySpan<byte> piece, int part)
    {
        var next = _next[part];
        var rank = next < piece.Length ? vocabulary.Find(piece[part.._next[next]]) : -1;
        _rank[part] = rank < 0 ? NoPair : rank;
        if (rank >= 0)
        {
            _queue.Enqueue(part, ((long)rank << 32) | (uint)part);
        }
    }
}
