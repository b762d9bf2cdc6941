using DemoModelTrainer.Encoding;
using static TorchSharp.torch;

namespace DemoModelTrainer.Training;

/// <summary>A copy of the model that computes the gradients of its share of a step.</summary>
internal sealed class Replica(NanoModel model, CompactVocabulary vocabulary, double imbalanceWeight)
{
    /// <summary>Adds the gradients of a batch, divided by <paramref name="targetsOfStep"/>; returns the summed loss.</summary>
    public double Accumulate(IReadOnlyList<TrainingExample> examples, int targetsOfStep)
    {
        using var scope = NewDisposeScope();
        var batch = TrainingBatch.Create(examples, vocabulary);
        var (logits, imbalance) = model.call(batch.Tokens, batch.Wanted);
        var loss = nn.functional.cross_entropy(logits, batch.Targets, reduction: nn.Reduction.Sum);
        var share = (double)batch.Owners.Length / targetsOfStep;
        ((loss / targetsOfStep) + (imbalance * imbalanceWeight * share).sum()).backward();
        return loss.item<float>();
    }

    /// <summary>Takes the main model's weights and forgets the gradients.</summary>
    public void Follow(NanoModel main)
    {
        using var gradients = no_grad();
        foreach (var (own, source) in model.parameters().Zip(main.parameters()))
        {
            own.copy_(source);
            own.grad?.zero_();
        }
    }

    /// <summary>Adds this replica's gradients to the main model's.</summary>
    public void AddGradientsTo(NanoModel main)
    {
        foreach (var (own, target) in model.parameters().Zip(main.parameters()))
        {
            target.grad!.add_(own.grad!);
        }
    }
}
