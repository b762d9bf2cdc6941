using GptOss.Net.KVCache;

namespace GptOss.Net.Execution.Cuda;

/// <summary>
/// Consecutive layers of the model on a card, or on cards that share them: what it launches of a step. Nothing but Wait waits.
/// </summary>
internal interface ICudaPart : IDisposable
{
    /// <summary>Gets the card on whose stream the results of the part are; of several the first.</summary>
    CudaCard Card { get; }

    ModelPart Part { get; }

    /// <summary>Gets the bytes of main memory through which the cards of the part speak; 0 where they do not need it.</summary>
    long PageLockedBytes => 0;

    /// <summary>Whether the kernels for one or two sequences compute a step, to the logits on the last part.</summary>
    bool IsLayered(StepBatch batch, in StepShape step) => LayeredStage.Serves(batch, step);

    /// <summary>Copies blocks of the cache, in this order.</summary>
    void Copy(IReadOnlyList<BlockCopy> copies);

    /// <summary>Packs a step, and lets it come to where it is computed.</summary>
    StepShape Send(StepBatch batch, int slot);

    /// <summary>
    /// From token ids, or the residual that is there, to the residual behind the last layer; for one or two sequences on the last part to
    /// logits.
    /// </summary>
    /// <param name="step">The step's sizes.</param>
    /// <param name="isLayered">Whether the step <see cref="IsLayered"/>.</param>
    /// <param name="slot">Which of the steps in flight.</param>
    /// <param name="chosen">What the step before has sampled, int <c>[rows]</c>, on <see cref="Card"/>.</param>
    void Forward(StepShape step, bool isLayered, int slot, nint chosen);

    /// <summary>The logits of some of the step's rows, float <c>[rows, vocabulary]</c>, on <see cref="Card"/>.</summary>
    void Unembed(int firstRow, int rows, int slot);

    /// <summary>Rows have been sampled on <see cref="Card"/>: int <c>[rows]</c>.</summary>
    void Sampled(nint chosen, int rows);

    /// <summary>What was given of a step is all.</summary>
    void End(int slot);

    /// <summary>Waits until the part has computed a step.</summary>
    /// <exception cref="CudaException">A card has failed, or does not answer.</exception>
    void Wait(int slot, int tokens, TimeSpan limit);
}
