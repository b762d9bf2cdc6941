namespace GptOss.Net;

/// <summary>What layers that lie on the CPU may use of it.</summary>
public sealed record CpuOptions
{
    /// <summary>
    /// Gets the most threads that compute. Default <see langword="null"/>: one for each physical core, or for seven of
    /// eight where there are 16 or more. Fewer take part where a layer has too little to do for all.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Gets the most threads that read and pack the weights. Default <see langword="null"/>: as many as <see cref="Threads"/>. Fewer
    /// leave processors to what the process does meanwhile, such as serving another model.
    /// </summary>
    public int? LoadingThreads { get; init; }
}
