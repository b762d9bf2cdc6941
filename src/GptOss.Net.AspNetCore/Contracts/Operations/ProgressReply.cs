namespace GptOss.Net.AspNetCore.Contracts.Operations;

/// <summary>How far loading has come.</summary>
/// <param name="Stage"><c>downloading</c>, <c>reading</c>, or <c>compiling</c>, which counts kernels instead of bytes.</param>
/// <param name="ReadBytes">Bytes of this stage that are done.</param>
/// <param name="TotalBytes">Bytes of this stage in all.</param>
internal sealed record ProgressReply(string Stage, long ReadBytes, long TotalBytes)
{
    public int? FinishedFiles { get; init; }

    public int? TotalFiles { get; init; }
}
