using System.Diagnostics;
using DemoModelTrainer.Encoding;
using static TorchSharp.torch;

namespace DemoModelTrainer.Training;

/// <summary>
/// AdamW over drawn batches; the loss is the cross entropy of the model's own tokens. A step's batches are computed side
/// by side by replicas with one libtorch thread each: on small tensors that wastes less than threads inside an operation.
/// </summary>
internal sealed class Trainer(NanoModel model, CompactVocabulary vocabulary, TrainingOptions options)
{
    /// <param name="batches">An endless source.</param>
    /// <param name="newModel">Makes a model of the same shape for another replica.</param>
    /// <param name="weightsFile">Written now and then, and at the end.</param>
    public void Run(
        IEnumerable<IReadOnlyList<TrainingExample>> batches, Func<NanoModel> newModel, string weightsFile)
    {
        using var optimizer = optim.AdamW(
            model.parameters(), options.LearningRate, beta1: 0.9, beta2: 0.98, weight_decay: options.WeightDecay);
        var copies = Enumerable.Range(1, options.Replicas - 1).Select(_ => newModel()).ToList();
        List<Replica> replicas = [.. copies.Prepend(model).Select(NewReplica)];
        var progress = new TrainingProgress(options, Stopwatch.StartNew());
        foreach (var stepBatches in batches.Chunk(options.Replicas))
        {
            if (progress.Done >= 1)
            {
                break;
            }

            foreach (var group in optimizer.ParamGroups)
            {
                group.LearningRate = options.LearningRateAt(progress.Step, progress.Done);
            }

            progress.Add(stepBatches, Step(stepBatches, replicas, optimizer));
            if (progress.Step % options.StepsPerSave == 0)
            {
                model.save(weightsFile);
            }
        }

        model.save(weightsFile);
        copies.ForEach(copy => copy.Dispose());
    }

    private Replica NewReplica(NanoModel copy) => new(copy, vocabulary, options.ImbalanceWeight);

    /// <returns>The mean loss of a target.</returns>
    private double Step(
        IReadOnlyList<TrainingExample>[] batches, List<Replica> replicas, optim.Optimizer optimizer)
    {
        optimizer.zero_grad();
        replicas.Skip(1).ToList().ForEach(replica => replica.Follow(model));
        var targets = batches.Sum(batch => batch.Sum(example => example.LearnedCount));
        var losses = new double[replicas.Count];
        Parallel.For(0, replicas.Count, index => losses[index] = replicas[index].Accumulate(batches[index], targets));
        replicas.Skip(1).ToList().ForEach(replica => replica.AddGradientsTo(model));
        nn.utils.clip_grad_norm_(model.parameters(), options.LargestGradientNorm);
        optimizer.step();
        return losses.Sum() / targets;
    }
}
