namespace GptOss.Net.Execution;

/// <summary>Runs whole steps of the model over every stage of its placement.</summary>
/// <remarks>Owned and called by one thread, the engine's. It owns the weights and the key-value storage on its devices.</remarks>
internal interface IModelExecutor : IDisposable
{
    /// <summary>Computes the batch: writes its keys and values to the cache and returns the wanted logits.</summary>
    StepResult Execute(StepBatch batch);
}
