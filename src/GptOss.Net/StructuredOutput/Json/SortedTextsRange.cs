namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// The texts that begin with the bytes matched so far: those from <paramref name="First"/> up to, not including, <paramref name="End"/>.
/// </summary>
internal readonly record struct SortedTextsRange(SortedTexts Texts, int First, int End, int Matched)
{
    public int Count => End - First;

    public bool IsEmpty => First >= End;

    /// <summary>Whether one of the texts, the first, is matched completely.</summary>
    public bool HasEnd => !IsEmpty && Texts[First].Length == Matched;

    /// <summary>Returns the texts that go on with a byte.</summary>
    public SortedTextsRange Advance(byte next)
    {
        var first = FirstFrom(HasEnd ? First + 1 : First, next);
        var end = next == byte.MaxValue ? End : FirstFrom(first, next + 1);
        return first >= end ? default : new SortedTextsRange(Texts, first, end, Matched + 1);
    }

    private int FirstFrom(int low, int next)
    {
        var high = End;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Texts[middle][Matched] < next)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
