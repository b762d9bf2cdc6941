using DemoModel;
using GptOss.Net;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>Loads the model and shows how far it has come.</summary>
internal static class ModelLoading
{
    /// <param name="pathOrId">The checkpoint, or <see langword="null"/> for the demonstration model.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    public static Task<GptOssModel> LoadAsync(string? pathOrId, CancellationToken cancellationToken) =>
        AnsiConsole.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask("Loading", maxValue: double.PositiveInfinity);
                var directory = pathOrId ?? await DemoCheckpoint.ExtractAsync(cancellationToken: cancellationToken);

                // The demonstration model is so small that it need not be held in bfloat16.
                var options = new GptOssModelOptions { ComputeType = pathOrId is null ? ComputeType.Float32 : ComputeType.BFloat16 };
                var progress = new Progress<LoadProgress>(load => task.MaxValue(load.TotalBytes).Value(load.ReadBytes));
                return await GptOssModel.LoadAsync(directory, options, progress, cancellationToken: cancellationToken);
            });
}
