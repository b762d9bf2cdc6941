namespace GptOss.Net;

/// <summary>How far loading a model has come.</summary>
/// <param name="ReadBytes">Bytes of weights read so far.</param>
/// <param name="TotalBytes">Bytes of weights in all.</param>
public readonly record struct LoadProgress(long ReadBytes, long TotalBytes)
{
    /// <summary>Gets the fraction done, 0 to 1.</summary>
    public double Fraction => TotalBytes == 0 ? 1 : (double)ReadBytes / TotalBytes;
}
