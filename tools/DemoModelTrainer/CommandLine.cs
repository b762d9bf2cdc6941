using System.Globalization;

namespace DemoModelTrainer;

/// <summary>What the user asked for.</summary>
/// <param name="OutputFolder">Receives the weights, the checkpoint and the archive.</param>
/// <param name="Steps">Training steps; 0 evaluates and packs only.</param>
/// <param name="Seed">Seed of everything random.</param>
/// <param name="Minutes">Wall-clock limit of the training, or 0 for none.</param>
/// <param name="Threads">Batches computed at the same time.</param>
/// <param name="WeightsFile">Weights of an earlier run to start from, or <see langword="null"/>.</param>
internal sealed record CommandLine(string OutputFolder, int Steps, int Seed, int Minutes, int Threads, string? WeightsFile)
{
    public const string Usage =
        "usage: DemoModelTrainer OUTPUT_FOLDER [--steps N] [--seed N] [--minutes N] [--threads N] [--weights FILE]";

    /// <returns><see langword="null"/> where the arguments are not understood.</returns>
    public static CommandLine? Parse(string[] args)
    {
        if (args.Length % 2 != 1 || args[0].StartsWith('-'))
        {
            return null;
        }

        var command = new CommandLine(args[0], Steps: 3000, Seed: 20, Minutes: 0, Threads: 2, WeightsFile: null);
        for (var index = 1; index < args.Length; index += 2)
        {
            if (args[index] is "--weights")
            {
                command = command with { WeightsFile = args[index + 1] };
                continue;
            }

            if (!int.TryParse(args[index + 1], CultureInfo.InvariantCulture, out var number))
            {
                return null;
            }

            switch (args[index])
            {
                case "--steps": command = command with { Steps = number }; break;
                case "--seed": command = command with { Seed = number }; break;
                case "--minutes": command = command with { Minutes = number }; break;
                case "--threads": command = command with { Threads = number }; break;
                default: return null;
            }
        }

        return command;
    }
}
