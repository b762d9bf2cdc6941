using System.Diagnostics;
using DemoModelTrainer.Encoding;

namespace DemoModelTrainer.Training;

/// <summary>Counts steps and tokens and prints a line now and then.</summary>
internal sealed class TrainingProgress(TrainingOptions options, Stopwatch clock)
{
    private double _loss;
    private long _tokens;
    private long _examples;

    public int Step { get; private set; }

    /// <summary>Gets how much of the training is done, 0 to 1.</summary>
    public double Done => options.ProgressAt(Step, clock.Elapsed);

    public void Add(IReadOnlyList<TrainingExample>[] batches, double loss)
    {
        Step++;
        _loss += loss;
        _tokens += batches.Sum(batch => batch.Sum(example => (long)example.Tokens.Length));
        _examples += batches.Sum(batch => batch.Count);
        if (Step % options.StepsPerReport == 0)
        {
            var seconds = clock.Elapsed.TotalSeconds;
            Console.WriteLine($"step {Step}/{options.Steps}  loss {_loss / options.StepsPerReport:F4}  done {Done:P0}  "
                + $"{_examples} conversations  {_tokens} tokens  {_tokens / seconds:F0} tok/s  {seconds:F0} s");
            _loss = 0;
        }
    }
}
