namespace GptOss.Net;

/// <summary>How a model computes that lies on the CPU as a whole, on kernels of this library that need no libtorch.</summary>
public sealed record CpuOptions
{
    /// <summary>
    /// Gets how exactly to compute. Default <see cref="CpuPrecision.Fast"/>; <see cref="ComputeType.Float32"/> makes it
    /// <see cref="CpuPrecision.Exact"/>.
    /// </summary>
    public CpuPrecision Precision { get; init; } = CpuPrecision.Fast;

    /// <summary>
    /// Gets the most threads that compute. Default <see langword="null"/>: one for each physical core. Fewer take part where a layer has
    /// too little to do for all.
    /// </summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Gets the most threads that read and pack the weights. Default <see langword="null"/>: as many as <see cref="Threads"/>. Fewer
    /// leave processors to what the process does meanwhile, such as serving another model.
    /// </summary>
    public int? LoadingThreads { get; init; }

    /// <summary>Gets a value indicating whether the output projection is held in 4 bits: faster, and coarser. Default false.</summary>
    public bool UnembeddingInt4 { get; init; }
}
