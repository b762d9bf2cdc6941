using System.Globalization;
using System.Text.RegularExpressions;

namespace GptOss.Net.Tool;

/// <summary>Where a model would lie, here or on a machine that is described.</summary>
internal static partial class PlanCommand
{
    public static async Task<int> RunAsync(
        string pathOrId, GptOssModelOptions options, string? machine, CancellationToken cancellationToken)
    {
        Console.WriteLine(await GptOssModel.PlanAsync(pathOrId, options, machine is null ? null : Parse(machine), cancellationToken));
        return 0;
    }

    private static Dictionary<DeviceId, long> Parse(string machine)
    {
        var match = Machine.Match(machine);
        if (!match.Success)
        {
            throw new FormatException(
                $"'{machine}' does not describe a machine: write a number of GPUs and the memory of each, such as 2x24GiB.");
        }

        var bytes = (long)(double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) * (1L << 30));
        return Enumerable.Range(0, int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).ToDictionary(DeviceId.Cuda, _ => bytes);
    }

    [GeneratedRegex(@"^\s*([1-9][0-9]?)\s*[x×*]\s*([0-9]+(?:\.[0-9]+)?)\s*GiB\s*$", RegexOptions.IgnoreCase)]
    private static partial Regex Machine { get; }
}
