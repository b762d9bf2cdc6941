using System.Globalization;

namespace GptOss.Net.Placement;

/// <summary>Writes a number of bytes for people.</summary>
internal static class ByteSize
{
    /// <summary>Two decimals, in GiB or, below one GiB, in MiB.</summary>
    public static string Format(long bytes) => bytes >= 1L << 30
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F2} GiB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):F2} MiB");
}
