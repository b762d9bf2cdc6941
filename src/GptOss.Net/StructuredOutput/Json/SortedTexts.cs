namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Distinct texts in the order of their bytes, to be matched byte by byte.</summary>
internal sealed class SortedTexts
{
    private readonly byte[][] _texts;

    public SortedTexts(IEnumerable<byte[]> texts)
    {
        _texts = [.. texts];
        Array.Sort(_texts, (left, right) => left.AsSpan().SequenceCompareTo(right));
    }

    /// <summary>All texts, nothing of them matched.</summary>
    public SortedTextsRange All => new(this, 0, _texts.Length, 0);

    /// <summary>The text at a place in the order.</summary>
    public ReadOnlySpan<byte> this[int index] => _texts[index];

    /// <summary>Returns the place of a text.</summary>
    public int IndexOf(byte[] text) =>
        Array.BinarySearch(_texts, text, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)));
}
