using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace GptOss.Net;

/// <summary>A device that can hold a part of the model: <c>cpu</c>, or a GPU such as <c>cuda:0</c>.</summary>
/// <remarks>The default value is the CPU.</remarks>
public readonly record struct DeviceId
{
    private const string CpuName = "cpu";
    private const string CudaPrefix = "cuda:";

    // 0 is the CPU, n + 1 is GPU n.
    private readonly int _number;

    private DeviceId(int number) => _number = number;

    /// <summary>Gets the CPU.</summary>
    public static DeviceId Cpu => default;

    /// <summary>Gets a value indicating whether the device is an NVIDIA GPU.</summary>
    public bool IsCuda => _number > 0;

    /// <summary>Gets the number of the GPU among those visible to the process, from 0; 0 for the CPU.</summary>
    public int Index => Math.Max(0, _number - 1);

    /// <summary>A GPU by its number among those visible to the process.</summary>
    /// <param name="index">The number, from 0.</param>
    /// <returns>The GPU.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is negative.</exception>
    public static DeviceId Cuda(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new DeviceId(checked(index + 1));
    }

    /// <summary>Reads <c>cpu</c>, or <c>cuda:</c> and a number.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The device.</returns>
    /// <exception cref="FormatException">The text names no device.</exception>
    public static DeviceId Parse(string text) => TryParse(text, out DeviceId device)
        ? device
        : throw new FormatException($"'{text}' is not a device. Write 'cpu', or 'cuda:0' for the first GPU.");

    /// <summary>Reads <c>cpu</c>, or <c>cuda:</c> and a number.</summary>
    /// <param name="text">The text.</param>
    /// <param name="device">The device, or the CPU when the text names none.</param>
    /// <returns>Whether the text names a device.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out DeviceId device)
    {
        device = default;
        if (string.Equals(text, CpuName, StringComparison.Ordinal))
        {
            return true;
        }

        if (text is null
            || !text.StartsWith(CudaPrefix, StringComparison.Ordinal)
            || !int.TryParse(text.AsSpan(CudaPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            || index == int.MaxValue)
        {
            return false;
        }

        device = Cuda(index);
        return true;
    }

    /// <summary>The device's name, which <see cref="Parse(string)"/> reads.</summary>
    /// <returns><c>cpu</c>, or <c>cuda:</c> and a number.</returns>
    public override string ToString() =>
        IsCuda ? string.Create(CultureInfo.InvariantCulture, $"{CudaPrefix}{Index}") : CpuName;
}
