namespace GptOss.Net.AspNetCore.Contracts.Operations;

/// <summary>How many answers are computed and how many wait.</summary>
internal sealed record RequestCounts(int Running, int Waiting);
