namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// What a card of a group has of every matrix: some of the rows, and all of k. No sum is ever split, so the bits are those of one card.
/// </summary>
/// <param name="Index">Which card, from 0.</param>
/// <param name="Count">How many cards; 1: it has everything.</param>
internal readonly record struct CudaShare(int Index, int Count)
{
    // Tiles of 16 rows; activations for the experts lie in pieces of 64; the output projection's rows end a whole vector of logits.
    private const int HiddenUnit = 16;
    private const int IntermediateUnit = 64;
    private const int VocabularyUnit = 64;

    /// <summary>Gets the only card's share.</summary>
    public static CudaShare Whole { get; } = new(0, 1);

    /// <summary>Gets how many other cards there are.</summary>
    public int Others => Count - 1;

    /// <summary>The hidden values that this card computes.</summary>
    public RowRange Hidden(CudaShape shape) => Rows(shape.Hidden, HiddenUnit);

    /// <summary>The experts' inner values; none where there are fewer pieces than cards.</summary>
    public RowRange Intermediate(CudaShape shape) => Rows(shape.Intermediate, IntermediateUnit);

    /// <summary>The logits.</summary>
    public RowRange Vocabulary(CudaShape shape) => Rows(shape.Vocabulary, VocabularyUnit);

    private RowRange Rows(int rows, int unit)
    {
        var each = ((rows / unit) + Count - 1) / Count * unit;
        var first = Math.Min(Index * each, rows);
        return new RowRange(first, Math.Min(each, rows - first));
    }
}
