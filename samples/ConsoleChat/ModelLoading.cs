using DemoModel;
using GptOss.Net;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>Loads the model and shows how far it has come.</summary>
internal static class ModelLoading
{
    /// <param name="pathOrId">The checkpoint, or <see langword="null"/> for the demonstration model.</param>
    /// <param name="options">
    /// Whether a model that is not on this machine is downloaded without asking, and what else loading may do.
    /// </param>
    /// <param name="cancellationToken">Stops loading.</param>
    public static async Task<GptOssModel> LoadAsync(string? pathOrId, GptOssModelOptions options, CancellationToken cancellationToken)
    {
        // The demonstration model is so small that nothing need be rounded.
        options = options with { Precision = pathOrId is null ? Precision.Float32 : Precision.Default };
        var path = pathOrId ?? await DemoCheckpoint.ExtractAsync(cancellationToken: cancellationToken);
        var isAllowed = options.AllowDownload || (!GptOssModel.IsLocal(path, options) && await AskAsync(path, cancellationToken));
        return await LoadWithProgressAsync(path, options with { AllowDownload = isAllowed }, cancellationToken);
    }

    private static async Task<bool> AskAsync(string id, CancellationToken cancellationToken) =>
        AnsiConsole.Profile.Capabilities.Interactive
        && await AnsiConsole.ConfirmAsync($"'{id}' is not on this machine. Download it?", cancellationToken: cancellationToken);

    private static Task<GptOssModel> LoadWithProgressAsync(string path, GptOssModelOptions options, CancellationToken cancellationToken) =>
        AnsiConsole.Progress().AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(context =>
            {
                var task = context.AddTask("Loading", maxValue: double.PositiveInfinity);
                var progress = new Progress<LoadProgress>(load =>
                {
                    task.Description = load.Stage switch
                    {
                        LoadStage.Downloading => "Downloading",
                        LoadStage.Compiling => "Compiling kernels",
                        _ => "Loading",
                    };
                    task.MaxValue(load.TotalBytes).Value(load.ReadBytes);
                });
                return GptOssModel.LoadAsync(path, options, progress, cancellationToken);
            });
}
