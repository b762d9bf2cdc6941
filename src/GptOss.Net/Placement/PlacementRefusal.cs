using System.Globalization;

namespace GptOss.Net.Placement;

/// <summary>Says why a plan does not fit, and which settings would.</summary>
internal static class PlacementRefusal
{
    private static readonly Dictionary<DeviceId, long> NoLimits = [];

    public static PlacementException Of(PlacementRequest request, PlacementPlan plan)
    {
        IEnumerable<string> reasons = plan.Devices.Where(device => !device.Fits).Select(device => Reason(request, plan, device));
        string[] remedies = [.. Remedies(request, plan).OfType<string>()];
        string advice = remedies.Length == 0
            ? $"No shorter context and no other device of this machine is enough: "
                + $"the weights alone take {ByteSize.Format(request.Weights.Total)}."
            : $"It would fit {string.Join("; or ", remedies)}.";
        return new PlacementException($"The model does not fit. {string.Join(" ", reasons)} {advice}");
    }

    private static string Reason(PlacementRequest request, PlacementPlan plan, DevicePlacement device)
    {
        string limit = request.Options.MemoryLimits.ContainsKey(device.Device) && device.BudgetBytes < device.FreeBytes
            ? "is its memory limit"
            : device.BudgetBytes < device.FreeBytes
                ? $"of the {ByteSize.Format(device.FreeBytes)} that are free is for it (MemoryLimits can ask for more)"
            : "is free";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{device.Device} ({PlacementTable.Contents(plan, device)}) needs {ByteSize.Format(device.TotalBytes)}: "
            + $"weights {ByteSize.Format(device.WeightBytes)}, keys and values of {request.KV.MaxSequences} × "
            + $"{request.KV.MaxModelLength:N0} tokens {ByteSize.Format(device.KVBytes)}, "
            + $"workspace {ByteSize.Format(device.WorkspaceBytes)}; but only {ByteSize.Format(device.BudgetBytes)} {limit}.");
    }

    private static IEnumerable<string?> Remedies(PlacementRequest request, PlacementPlan plan)
    {
        string?[] alone = [.. request.Settings.Select(LargestThatFits)];
        foreach (string? remedy in alone.All(remedy => remedy is null) ? [WithAllSmall(request)] : alone)
        {
            yield return remedy;
        }

        yield return request.PackedWeights is { } packed && Fits(request with { Weights = packed })
            ? $"with the weights as they are in the checkpoint, {ByteSize.Format(packed.Total)}"
            : null;
        yield return WithoutLimits(request, plan);
        yield return Balanced(request, plan);
        yield return OnMoreDevices(request, plan);
    }

    /// <summary>The last settings as small as they can be, and the first as large as fits then.</summary>
    private static string? WithAllSmall(PlacementRequest request)
    {
        PlacementSetting[] others = [.. request.Settings.Skip(1).Where(setting => setting.Value > setting.Step)];
        if (others.Length == 0)
        {
            return null;
        }

        PlacementRequest small = others.Aggregate(
            request, (changed, other) =>
                changed.Settings.Single(setting => string.Equals(setting.Name, other.Name, StringComparison.Ordinal)).With(other.Step));
        PlacementSetting first = small.Settings[0];
        string? length = Fits(small)
            ? string.Create(CultureInfo.InvariantCulture, $"with {first.Name} of {first.Value:N0}")
            : LargestThatFits(first);
        return length is null ? null : $"{length}, {string.Join(" and ", others.Select(setting => $"{setting.Name} of {setting.Step}"))}";
    }

    private static string? LargestThatFits(PlacementSetting setting)
    {
        // Steps that fit and that do not: bisection.
        int step = setting.Step;
        int fits = 0;
        int tooLarge = (setting.Value + step - 1) / step;
        while (tooLarge - fits > 1)
        {
            int middle = fits + ((tooLarge - fits) / 2);
            if (Fits(setting.With(middle * step)))
            {
                fits = middle;
            }
            else
            {
                tooLarge = middle;
            }
        }

        return fits == 0
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"with {setting.Name} of at most {fits * step:N0}");
    }

    private static string? WithoutLimits(PlacementRequest request, PlacementPlan plan)
    {
        string[] limited =
        [
            .. plan.Devices.Where(device => !device.Fits && device.BudgetBytes < device.FreeBytes)
                .Select(device => device.Device.ToString()),
        ];
        PlacementRequest unlimited = request with { Options = request.Options with { MemoryLimits = NoLimits } };
        return limited.Length > 0 && Fits(unlimited) ? $"without the memory limit of {string.Join(" and ", limited)}" : null;
    }

    private static string? Balanced(PlacementRequest request, PlacementPlan plan)
    {
        DeviceId[] devices = [.. plan.Devices.Select(device => device.Device)];
        return request.Options.LayerDevices is not null && Fits(Spread(request, devices))
            ? $"balanced over {string.Join(", ", devices)} instead of placed by hand"
            : null;
    }

    /// <summary>With the other GPUs too; and if they are not enough, all on the CPU.</summary>
    private static string? OnMoreDevices(PlacementRequest request, PlacementPlan plan)
    {
        DeviceId[] used = [.. plan.Devices.Select(device => device.Device).Where(id => id.IsCuda)];
        DeviceId[] others = [.. request.Available.Select(device => device.Id).Where(id => id.IsCuda).Except(used)];
        if (others.Length > 0 && Fits(Spread(request, [.. used, .. others])))
        {
            return $"over {string.Join(", ", used.Concat(others))}";
        }

        bool cpuIsUnused = request.Available.Any(device => device.Id == DeviceId.Cpu)
            && plan.Devices.All(device => device.Device.IsCuda || device.IsPageLocked);
        return cpuIsUnused && Fits(Spread(request, [DeviceId.Cpu])) ? "on the cpu, which is slower" : null;
    }

    private static PlacementRequest Spread(PlacementRequest request, IReadOnlyList<DeviceId> devices) => request with
    {
        Options = new PlacementOptions
        {
            Devices = [.. devices.Take(request.Config.LayerCount)],
            MemoryLimits = request.Options.MemoryLimits,
        },
    };

    private static bool Fits(PlacementRequest request) => PlacementPlanner.Draft(request).Fits;
}
