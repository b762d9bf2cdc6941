using GptOss.Net.Sampling;

namespace GptOss.Net.Execution;

/// <summary>Runs whole steps of the model over every stage of its placement.</summary>
/// <remarks>
/// Called by one thread, the engine's. It owns the weights and the key-value storage on its devices. Steps are completed in the
/// order in which they were begun. Dispose ends the steps that are still in flight.
/// </remarks>
internal interface IModelExecutor : IDisposable
{
    /// <summary>
    /// Gets how many steps are computed at once, each of other sequences: the number of stages that can work at once; 1 without stages.
    /// </summary>
    int MaxStepsInFlight { get; }

    /// <summary>
    /// Gets how many more steps may be begun with tokens that the step before them samples, before the host has read these. 0 for an
    /// executor that leaves sampling to the host.
    /// </summary>
    int MaxStepsAhead => 0;

    /// <summary>
    /// Gets the bytes of weights in main memory that are mapped from a file: pages of the system's file cache, not of this process.
    /// </summary>
    long MappedWeightBytes => 0;

    /// <summary>Gets the bytes of page-locked main memory through which devices that share every layer speak.</summary>
    long PageLockedBytes => 0;

    /// <summary>Whether the executor samples such a row by itself: only behind such rows does a step run ahead.</summary>
    bool CanSample(in RowSampling row) => false;

    /// <summary>
    /// Starts a step, which copies its blocks, writes its keys and values, computes the wanted logits and samples from them. Steps in
    /// flight name disjoint sequences, except where one goes on with what the step before it samples. The batch stays as it is until
    /// the step is completed.
    /// </summary>
    /// <remarks>A step that fails does so in <see cref="Complete"/>, never here.</remarks>
    /// <exception cref="InvalidOperationException">
    /// <see cref="MaxStepsInFlight"/> + <see cref="MaxStepsAhead"/> steps are in flight already.
    /// </exception>
    void Begin(StepBatch batch);

    /// <summary>
    /// Waits for the oldest step that was begun. Its result is valid until the next call of this method. Throws what the step
    /// threw; the step counts as completed then too, and those behind it go on.
    /// </summary>
    /// <exception cref="InvalidOperationException">No step is in flight.</exception>
    StepResult Complete();

    /// <summary>
    /// After a failed step: whether later steps can work, tried with a tiny computation on every device. A CUDA context may be
    /// lost for good.
    /// </summary>
    bool CanContinue();
}
