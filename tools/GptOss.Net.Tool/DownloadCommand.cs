using System.Globalization;

namespace GptOss.Net.Tool;

/// <summary>Downloads a model, and tells on one line how far it is.</summary>
internal static class DownloadCommand
{
    public static async Task<int> RunAsync(string id, GptOssModelOptions options, CancellationToken cancellationToken)
    {
        var path = await GptOssModel.DownloadAsync(id, options, Console.IsErrorRedirected ? null : new Line(), cancellationToken);
        Console.WriteLine($"{id} is at {path}");
        return 0;
    }

    private sealed class Line : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => Console.Error.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"\r\u001b[K{value.ReadBytes / 1e9:F2} of {value.TotalBytes / 1e9:F2} GB, {value.FinishedFiles} of {value.TotalFiles} files"
            + $"{(value.Fraction == 1 ? "\n" : "")}"));
    }
}
