using System.Globalization;

namespace GptOss.Net.Recipes.Tests;

/// <summary>The table of docs/hardware.md is what the planner says, row by row.</summary>
public sealed class HardwareTests
{
    private const double Gibibyte = 1L << 30;

    // The same machines stand in the document.
    private static readonly (string Name, int Cards, long OfCard, long OfHost)[] Machines =
    [
        ("1 × 8 GB", 1, 8, 0), ("1 × 12 GB", 1, 12, 0), ("1 × 16 GB", 1, 16, 0), ("1 × 24 GB", 1, 24, 0), ("2 × 24 GB", 2, 24, 0),
        ("1 × 80 GB", 1, 80, 0),
        ("1 × 8 GB and the CPU, 32 GB", 1, 8, 32), ("1 × 12 GB and the CPU, 32 GB", 1, 12, 32), ("CPU, 16 GB", 0, 0, 16),
        ("CPU, 32 GB", 0, 0, 32),
    ];

    [Fact]
    public async Task The_table_is_what_the_planner_says()
    {
        using var directory = new TemporaryDirectory();
        var folder = SparseCheckpoint.Write(directory.File("gpt-oss-20b"));
        var rows = new List<string>();
        foreach (var machine in Machines)
        {
            rows.Add(await Row(folder, machine));
        }

        var document =
            await File.ReadAllTextAsync(Path.Combine(Documents.Root, "docs", "hardware.md"), TestContext.Current.CancellationToken);
        document.Split('\n').Where(
            line => line.StartsWith("| 1 ×", StringComparison.Ordinal) || line.StartsWith("| 2 ×", StringComparison.Ordinal)
                || line.StartsWith("| CPU", StringComparison.Ordinal)).Should().Equal(rows, "the table is:\n{0}", string.Join('\n', rows));
    }

    private static async Task<string> Row(string folder, (string Name, int Cards, long OfCard, long OfHost) machine)
    {
        var memory = Enumerable.Range(0, machine.Cards).ToDictionary(DeviceId.Cuda, _ => machine.OfCard << 30);
        if (machine.OfHost > 0)
        {
            memory.Add(DeviceId.Cpu, machine.OfHost << 30);
        }

        var one = await Plan(folder, memory, maxSequences: 1, length: 8_192);
        var eight = await Plan(folder, memory, maxSequences: 8, length: 8_192);
        var longest = await Plan(folder, memory, maxSequences: 1, length: 131_072);
        return one is null
            ? $"| {machine.Name} | does not fit | | |"
            : $"| {machine.Name} | {Bytes(one)} | {(eight is null ? "no" : Bytes(eight))} | {(longest is null ? "no" : Bytes(longest))} |";
    }

    private static async Task<PlacementPlan?> Plan(string folder, IReadOnlyDictionary<DeviceId, long> memory, int maxSequences, int length)
    {
        try
        {
            var options = new GptOssModelOptions { MaxSequences = maxSequences, MaxModelLength = length, Placement = new() };

            // On all cards that are there, and on the CPU what they have no room for.
            return await GptOssModel.PlanAsync(folder, options, memory, TestContext.Current.CancellationToken);
        }
        catch (PlacementException)
        {
            return null;
        }
    }

    private static string Bytes(PlacementPlan plan) => string.Join(" + ", plan.Devices.Select(device => string.Create(
        CultureInfo.InvariantCulture, $"{device.TotalBytes / Gibibyte:F1}"))) + " GiB";
}
