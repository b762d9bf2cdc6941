namespace GptOss.Net.Placement;

/// <summary>Writes a plan as a table of fixed width.</summary>
internal static class PlacementTable
{
    private const int TextColumns = 3;

    private static readonly string[] Header =
        ["device", "stage", "layers", "weights", "KV cache", "workspace", "total", "budget", "free"];

    public static string Format(PlacementPlan plan)
    {
        string[][] rows = [Header, .. plan.Devices.Select(device => Row(plan, device)), Totals(plan)];
        int[] widths = [.. Header.Select((_, column) => rows.Max(row => row[column].Length))];
        return string.Join('\n', rows.Select(row => Line(row, widths)));
    }

    /// <summary>What a device holds, such as <c>embedding, 0-11</c>.</summary>
    public static string Contents(PlacementPlan plan, DevicePlacement device)
    {
        if (device.IsPageLocked)
        {
            return "page-locked, at most";
        }

        IEnumerable<string> parts = device.Stages.Select(stage => plan.Stages[stage].ToString());
        parts = device.HoldsEmbedding ? parts.Prepend("embedding") : parts;
        return string.Join(", ", device.HoldsUnembedding ? parts.Append("unembedding") : parts);
    }

    private static string[] Row(PlacementPlan plan, DevicePlacement device) =>
    [
        device.Device.ToString(),
        string.Join(", ", device.Stages),
        Contents(plan, device),
        ByteSize.Format(device.WeightBytes),
        ByteSize.Format(device.KVBytes),
        ByteSize.Format(device.WorkspaceBytes),
        ByteSize.Format(device.TotalBytes),
        ByteSize.Format(device.BudgetBytes),
        ByteSize.Format(device.FreeBytes),
    ];

    private static string[] Totals(PlacementPlan plan) =>
    [
        "all",
        string.Empty,
        string.Empty,
        ByteSize.Format(plan.Devices.Sum(device => device.WeightBytes)),
        ByteSize.Format(plan.Devices.Sum(device => device.KVBytes)),
        ByteSize.Format(plan.Devices.Sum(device => device.WorkspaceBytes)),
        ByteSize.Format(plan.Devices.Sum(device => device.TotalBytes)),
        ByteSize.Format(plan.Devices.Sum(device => device.BudgetBytes)),
        ByteSize.Format(plan.Devices.Sum(device => device.FreeBytes)),
    ];

    private static string Line(string[] row, int[] widths) => string.Join("  ", row.Select((cell, column) =>
        column < TextColumns ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])));
}
