namespace GptOss.Net.Execution.Cpu;

/// <summary>One thread's part of work that is cut into equal items: the same for the same number of threads, whoever is busy.</summary>
/// <param name="Start">The first item.</param>
/// <param name="End">The item after the last.</param>
internal readonly record struct WorkShare(int Start, int End)
{
    public int Count => End - Start;

    public static WorkShare Of(int items, int thread, int threads) =>
        new((int)((long)items * thread / threads), (int)((long)items * (thread + 1) / threads));
}
