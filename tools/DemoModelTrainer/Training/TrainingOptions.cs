namespace DemoModelTrainer.Training;

/// <summary>How long and how fast to train.</summary>
internal sealed record TrainingOptions
{
    public int Steps { get; init; } = 3000;

    /// <summary>Gets the wall-clock limit; the learning rate then falls with the time where that is further on than the steps.</summary>
    public TimeSpan TimeLimit { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>Gets how many batches are computed at the same time, each on a thread and a copy of the model of its own.</summary>
    public int Replicas { get; init; } = 2;

    /// <summary>Gets the tokens of one replica's batch, padding included.</summary>
    public int TokensPerBatch { get; init; } = 2048;

    public double LearningRate { get; init; } = 3e-3;

    public int WarmupSteps { get; init; } = 60;

    public double WeightDecay { get; init; } = 0.01;

    public double LargestGradientNorm { get; init; } = 1.0;

    /// <summary>Gets how much an uneven use of the experts costs.</summary>
    public double ImbalanceWeight { get; init; } = 0.01;

    public int StepsPerReport { get; init; } = 25;

    public int StepsPerSave { get; init; } = 250;

    /// <summary>How much of the training is done, 0 to 1.</summary>
    public double ProgressAt(int step, TimeSpan elapsed) =>
        Math.Max((double)step / Steps, TimeLimit == Timeout.InfiniteTimeSpan ? 0 : elapsed / TimeLimit);

    /// <summary>The learning rate: warm-up, then a cosine down to a hundredth.</summary>
    public double LearningRateAt(int step, double progress)
    {
        var warmup = Math.Min(1.0, (step + 1.0) / WarmupSteps);
        return LearningRate * warmup * (0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * progress))));
    }
}
