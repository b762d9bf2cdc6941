namespace GptOss.Net.Execution;

/// <summary>The sizes that an executor is made for.</summary>
/// <param name="Sequences">The most sequences of a step.</param>
/// <param name="StepTokens">The most tokens of a step.</param>
/// <param name="Length">The most tokens of a sequence.</param>
internal readonly record struct ExecutorSizes(int Sequences, int StepTokens, int Length);
