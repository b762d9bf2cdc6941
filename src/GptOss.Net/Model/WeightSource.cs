namespace GptOss.Net.Model;

/// <summary>Where a weight matrix lies in the checkpoint, and in which format; nothing is read yet.</summary>
/// <param name="OutputSize">Rows of the matrix: the length of the result of <c>W x</c>.</param>
/// <param name="InputSize">Columns of the matrix: the length of <c>x</c>.</param>
internal abstract record WeightSource(int OutputSize, int InputSize)
{
    /// <summary>Gets the bytes that the checkpoint holds for this matrix.</summary>
    public abstract long ByteLength { get; }
}
