namespace GptOss.Net.Execution.Cuda;

/// <summary>The sizes that an executor is made for.</summary>
/// <param name="MaxStepTokens">The most tokens of a step.</param>
/// <param name="MaxSequences">The most sequences of a step.</param>
/// <param name="MaxModelLength">The most tokens of a sequence.</param>
internal readonly record struct CudaExecutorOptions(int MaxStepTokens, int MaxSequences, int MaxModelLength)
{
    /// <summary>Gets a value indicating whether the device's kernels are tested when the model is loaded.</summary>
    public bool TestsItself { get; init; } = true;

    /// <summary>Gets how long a card may take for a step of some tokens before it counts as lost.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Gets a value indicating whether cards speak through main memory even where they could reach each other.</summary>
    public bool AvoidsPeerAccess { get; init; }

    /// <summary>Gets in which form weights are held.</summary>
    public Precision Precision { get; init; }
}
