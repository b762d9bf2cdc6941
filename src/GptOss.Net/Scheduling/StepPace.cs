namespace GptOss.Net.Scheduling;

/// <summary>How long steps take, as measured, and so how many tokens of prompts fit into the time that a step may take.</summary>
/// <remarks>
/// A step takes the time of one without prompts, which reads the weights, and some more for each token of a prompt. Both are means in
/// which a new step counts for a quarter. Used by one thread.
/// </remarks>
internal sealed class StepPace(SchedulerOptions options)
{
    // Until something was measured.
    private const int FirstTokens = 32;

    // What a step costs without prompts, and the weights of all experts, are about the arithmetic of 25 tokens of prompts: with 64 of
    // them a prompt takes an eighth longer as a whole than with 128, with 32 two fifths longer, with 16 twice as long. With fewer still
    // the others would hardly wait less.
    private const int LeastTokens = 16;
    private const int LeastTokensAlone = 128;

    // Of the time of a prompt token, steps with fewer tell too little.
    private const int LeastTokensMeasured = 16;
    private const double Weight = 0.25;

    private double _decodeSeconds; // of a step without prompts; 0: not known
    private double _promptSeconds; // of each token of a prompt; 0: not known

    /// <summary>The most tokens of prompts for the next step.</summary>
    /// <param name="isAlone">
    /// Whether a single sequence is there: only those that come meanwhile wait for the step, which may take twice as long.
    /// </param>
    public int PromptTokens(bool isAlone)
    {
        if (options.MaxStepTime == Timeout.InfiniteTimeSpan)
        {
            return options.MaxStepTokens;
        }

        if (_promptSeconds == 0)
        {
            return Math.Min(FirstTokens, options.MaxStepTokens);
        }

        // Where a step without prompts takes long, prompts get as much again: they must go on too.
        var seconds = Math.Max(options.MaxStepTime.TotalSeconds, 2 * _decodeSeconds) * (isAlone ? 2 : 1);
        var least = Math.Min(isAlone ? LeastTokensAlone : LeastTokens, options.MaxStepTokens);
        return (int)Math.Clamp((seconds - _decodeSeconds) / _promptSeconds, least, options.MaxStepTokens);
    }

    /// <summary>A step was computed, in so many seconds.</summary>
    public void Record(StepPlan plan, double seconds)
    {
        var promptTokens = plan.PromptTokenCount;
        if (promptTokens == 0)
        {
            Average(ref _decodeSeconds, seconds);
        }
        else if (promptTokens >= Math.Min(LeastTokensMeasured, options.MaxStepTokens))
        {
            Average(ref _promptSeconds, Math.Max(seconds - _decodeSeconds, seconds / 8) / promptTokens);
        }
    }

    private static void Average(ref double mean, double value) => mean = mean == 0 ? value : mean + (Weight * (value - mean));
}
