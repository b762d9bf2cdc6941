namespace GptOss.Net.Tests;

/// <summary>Takes progress on the loading thread, in order.</summary>
internal sealed class LoadProgressRecorder(Action<LoadProgress>? then = null) : IProgress<LoadProgress>
{
    public List<LoadProgress> Reports { get; } = [];

    public void Report(LoadProgress value)
    {
        Reports.Add(value);
        then?.Invoke(value);
    }
}
