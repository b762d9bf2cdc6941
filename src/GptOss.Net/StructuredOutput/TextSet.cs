using System.Text;

namespace GptOss.Net.StructuredOutput;

/// <summary>One of a number of texts, and nothing after it.</summary>
/// <remarks>The texts are sorted, so that those which begin with what was written are neighbours.</remarks>
internal sealed record TextSet : TextState
{
    private readonly byte[][] _texts; // sorted by their bytes, distinct
    private readonly int _textsHash;
    private readonly int _first;
    private readonly int _end; // those from _first to here begin with what was written
    private readonly int _written; // bytes

    private TextSet(byte[][] texts, int textsHash, int first, int end, int written) =>
        (_texts, _textsHash, _first, _end, _written) = (texts, textsHash, first, end, written);

    public override bool IsAccepting => _texts[_first].Length == _written;

    public override bool MustEnd => IsAccepting && _end - _first == 1;

    /// <summary>Gets the text that was written; of use when the state is accepting.</summary>
    public string Written => Encoding.UTF8.GetString(_texts[_first].AsSpan(0, _written));

    /// <param name="texts">At least one; the same text may come several times.</param>
    public static TextSet Create(IEnumerable<string> texts)
    {
        var sorted = texts.Distinct(StringComparer.Ordinal).Select(Encoding.UTF8.GetBytes).ToArray();
        Array.Sort(sorted, (left, right) => left.AsSpan().SequenceCompareTo(right));
        var hash = default(HashCode);
        foreach (var text in sorted)
        {
            hash.AddBytes(text);
        }

        return new TextSet(sorted, hash.ToHashCode(), 0, sorted.Length, 0);
    }

    public override TextState? Advance(byte next)
    {
        var first = IsAccepting ? _first + 1 : _first;
        while (first < _end && _texts[first][_written] != next)
        {
            first++;
        }

        var end = first;
        while (end < _end && _texts[end][_written] == next)
        {
            end++;
        }

        return first < end ? new TextSet(_texts, _textsHash, first, end, _written + 1) : null;
    }

    public bool Equals(TextSet? other) =>
        other is not null && (_first, _end, _written, _textsHash) == (other._first, other._end, other._written, other._textsHash)
        && (ReferenceEquals(_texts, other._texts) || HasSameTexts(other));

    public override int GetHashCode() => HashCode.Combine(_textsHash, _first, _end, _written);

    private bool HasSameTexts(TextSet other) =>
        _texts.Length == other._texts.Length
        && _texts.Zip(other._texts).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));
}
