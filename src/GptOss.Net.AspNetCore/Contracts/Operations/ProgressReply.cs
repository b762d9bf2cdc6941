namespace GptOss.Net.AspNetCore.Contracts.Operations;

/// <summary>How far loading has come, in bytes of weights.</summary>
internal sealed record ProgressReply(long ReadBytes, long TotalBytes);
