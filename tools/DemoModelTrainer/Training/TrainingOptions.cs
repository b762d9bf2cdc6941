namespace DemoModelTrainer.Training;

/// <summary>How long and how fast to train.</summary>
internal sealed record TrainingOptions
{
    public int Steps { get; init; } = 3000;

    public int TokensPerBatch { get; init; } = 4096;

    public double LearningRate { get; init; } = 3e-3;

    public int WarmupSteps { get; init; } = 60;

    public double WeightDecay { get; init; } = 0.01;

    public double LargestGradientNorm { get; init; } = 1.0;

    /// <summary>Gets how much an uneven use of the experts costs.</summary>
    public double ImbalanceWeight { get; init; } = 0.01;

    public int StepsPerReport { get; init; } = 50;

    public int StepsPerSave { get; init; } = 250;

    /// <summary>The learning rate of a step: warm-up, then a cosine down to a hundredth.</summary>
    public double LearningRateAt(int step)
    {
        var warmup = Math.Min(1.0, (step + 1.0) / WarmupSteps);
        var progress = (double)step / Steps;
        return LearningRate * warmup * (0.01 + (0.99 * 0.5 * (1 + Math.Cos(Math.PI * progress))));
    }
}
