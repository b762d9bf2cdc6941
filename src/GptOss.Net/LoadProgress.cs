namespace GptOss.Net;

/// <summary>How far loading a model has come.</summary>
/// <param name="ReadBytes">Bytes read, or downloaded, so far.</param>
/// <param name="TotalBytes">Bytes in all.</param>
public readonly record struct LoadProgress(long ReadBytes, long TotalBytes)
{
    /// <summary>Gets what loading is at; each stage counts its own bytes.</summary>
    public LoadStage Stage { get; init; }

    /// <summary>Gets how many files are there completely, while they are downloaded.</summary>
    public int FinishedFiles { get; init; }

    /// <summary>Gets how many files are downloaded in all; 0 in other stages.</summary>
    public int TotalFiles { get; init; }

    /// <summary>Gets the fraction of the stage that is done, 0 to 1.</summary>
    public double Fraction => TotalBytes == 0 ? 1 : (double)ReadBytes / TotalBytes;
}
