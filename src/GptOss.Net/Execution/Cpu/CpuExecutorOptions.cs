namespace GptOss.Net.Execution.Cpu;

/// <summary>How a <see cref="CpuExecutor"/> stores and computes.</summary>
internal sealed record CpuExecutorOptions
{
    /// <summary>Gets the default: int8 dense weights and quantized activations, on every physical core.</summary>
    public static CpuExecutorOptions Fast { get; } = new();

    /// <summary>Gets the set-up that equals the reference: weights as stored, activations in float32.</summary>
    public static CpuExecutorOptions Exact { get; } = new() { DenseInt8 = false, QuantizeActivations = false };

    /// <summary>What a precision means here.</summary>
    public static CpuExecutorOptions Of(Precision precision) => precision switch
    {
        Precision.AsStored or Precision.Float32 => Exact,
        Precision.Int4Unembedding => Fast with { UnembeddingInt4 = true },
        _ => Fast,
    };

    /// <summary>Gets what of it decides how weights are packed.</summary>
    public string WeightForm => $"int8 {DenseInt8}, int4 output {UnembeddingInt4}";

    /// <summary>Gets the number of threads; <see langword="null"/> for <see cref="PhysicalCores.Threads"/>.</summary>
    public int? Threads { get; init; }

    /// <summary>Gets the most threads that read the weights; <see langword="null"/> for as many as compute.</summary>
    public int? LoadingThreads { get; init; }

    /// <summary>
    /// Gets how many multiplications of a layer are worth a thread's eight meetings with the others there: about 100 µs of work. Fewer
    /// threads compute a layer that has less for each.
    /// </summary>
    public long LeastThreadWork { get; init; } = 1_000_000;

    /// <summary>Gets a value indicating whether dense matrices (attention, output projection) become int8 per 32 at load.</summary>
    public bool DenseInt8 { get; init; } = true;

    /// <summary>Gets a value indicating whether the output projection becomes int4 per 32 at load: faster, and coarser.</summary>
    public bool UnembeddingInt4 { get; init; }

    /// <summary>
    /// Gets a value indicating whether activations are quantized for the matrices that are: to int8 before 4 bit weights, to int16
    /// before int8 weights. Otherwise every product is float32.
    /// </summary>
    public bool QuantizeActivations { get; init; } = true;
}
