using System.Globalization;
using System.Text.RegularExpressions;
using DemoModel;
using GptOss.Net;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>Prints where a model would lie, before anything of it is read.</summary>
internal static partial class PlacementCommand
{
    /// <param name="pathOrId">The checkpoint, or <see langword="null"/> for the demonstration model.</param>
    /// <param name="machine">The GPUs of a machine, such as <c>2x24GiB</c>; <see langword="null"/> for this one.</param>
    /// <param name="options">How weights are held, and who shares them.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>0, or 1 when the model does not fit.</returns>
    public static async Task<int> RunAsync(
        string? pathOrId, string? machine, GptOssModelOptions options, CancellationToken cancellationToken)
    {
        var path = pathOrId ?? await DemoCheckpoint.ExtractAsync(cancellationToken: cancellationToken);
        try
        {
            var plan = await GptOssModel.PlanAsync(path, options, machine is null ? null : Parse(machine), cancellationToken);
            var output = AnsiConsole.Profile.Out.Writer;
            output.WriteLine(plan.ToTable());
            Write($"The cache holds {plan.CacheTokens:N0} tokens. There is room at once, prompt and answer together:");
            foreach (var tokens in (int[])[1_000, 2_000, 4_000, 8_000, 16_000, 32_000])
            {
                if (tokens <= plan.MaxModelLength)
                {
                    Write($"  for {plan.SequencesOf(tokens),6:N0} sequences of {tokens,6:N0} tokens");
                }
            }

            var why = options.MaxSequences is null
                ? "as many as have room for an eighth of MaxModelLength each, 64 at most; MaxSequences sets another number"
                : "as MaxSequences says";
            Write($"Generated at once, answers to one prompt counted each: up to {plan.MaxConcurrentSequences}, {why}.");
            return 0;

            void Write(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception exception) when (exception is GptOssException or FormatException)
        {
            AnsiConsole.WriteLine(exception.Message);
            return 1;
        }
    }

    private static Dictionary<DeviceId, long> Parse(string machine)
    {
        var memory = new Dictionary<DeviceId, long>();
        foreach (var part in machine.Split('+'))
        {
            var match = Devices().Match(part);
            if (!match.Success)
            {
                throw new FormatException(
                    $"'{machine}' does not describe a machine: write the memory of its GPUs and main memory, such as 2x24GiB, "
                    + "24GiB+16GiB or 8GiB+cpu 64GiB.");
            }

            var bytes = (long)(double.Parse(match.Groups["size"].Value, CultureInfo.InvariantCulture) * (1L << 30));
            var count = match.Groups["count"].Success ? int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture) : 1;
            if (match.Groups["cpu"].Success)
            {
                memory[DeviceId.Cpu] = bytes;
                continue;
            }

            for (var i = 0; i < count; i++)
            {
                memory[DeviceId.Cuda(memory.Keys.Count(device => device.IsCuda))] = bytes;
            }
        }

        return memory;
    }

    [GeneratedRegex(@"^\s*((?<count>[1-9][0-9]?)\s*[x×*]\s*|(?<cpu>cpu)\s*)?(?<size>[0-9]+(\.[0-9]+)?)\s*GiB\s*$",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Devices();
}
