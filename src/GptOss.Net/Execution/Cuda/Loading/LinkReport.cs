namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>How arrays go from one card to another, as tested at load.</summary>
/// <param name="From">The card that sends.</param>
/// <param name="To">The card that receives.</param>
/// <param name="Way">The way that brings what is sent.</param>
/// <param name="Problem">Why it is not the direct one; <see langword="null"/> if it is.</param>
/// <param name="GigabytesPerSecond">The speed of an array of 4 MiB, its way's latency included.</param>
internal sealed record LinkReport(DeviceId From, DeviceId To, LinkWay Way, string? Problem, double GigabytesPerSecond);
