using System.CommandLine;
using DemoModel;

namespace GptOss.Net.Throughput.Serving;

/// <summary>The model that a serving benchmark loads.</summary>
internal static class ServedModel
{
    /// <summary>The option that names it.</summary>
    public static Option<string?> Option() =>
        new("--model") { Description = "Directory of a checkpoint; by default the demo model that is part of this repository." };

    public static async Task<GptOssModel> LoadAsync(
        string? directory, int maxModelLength, int maxSequences, CancellationToken cancellationToken)
    {
        directory ??= await DemoCheckpoint.ExtractAsync(cancellationToken: cancellationToken);
        var options = new GptOssModelOptions { MaxModelLength = maxModelLength, MaxSequences = maxSequences };
        return await GptOssModel.LoadAsync(directory, options, progress: null, cancellationToken);
    }
}
