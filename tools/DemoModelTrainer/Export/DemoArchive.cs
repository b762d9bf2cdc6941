using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;

namespace DemoModelTrainer.Export;

/// <summary>
/// Packs a checkpoint folder into the one file that samples/DemoModel embeds, a tar archive under Brotli, and lists
/// what is in it: hash, length and name of every file.
/// </summary>
internal static class DemoArchive
{
    private const int CopyBytes = 1 << 20;

    /// <summary>The same input gives the same bytes: names are sorted, times and owners left out.</summary>
    public static void Write(string folder, string archive, string fileList)
    {
        var files = Directory.GetFiles(folder);
        Array.Sort(files, StringComparer.Ordinal);
        WriteArchive(files, archive);
        File.WriteAllText(fileList, string.Concat(files.Select(Describe)));
    }

    private static void WriteArchive(string[] files, string archive)
    {
        using var file = File.Create(archive);
        using var compressed = new BrotliStream(file, CompressionLevel.SmallestSize);
        using var buffered = new BufferedStream(compressed, CopyBytes);
        using var tar = new TarWriter(buffered, TarEntryFormat.Ustar);
        foreach (var path in files)
        {
            using var content = File.OpenRead(path);
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, Path.GetFileName(path))
            {
                DataStream = content,
                ModificationTime = DateTimeOffset.UnixEpoch,
            });
        }
    }

    private static string Describe(string path)
    {
        using var content = File.OpenRead(path);
        return $"{Convert.ToHexStringLower(SHA256.HashData(content))} {content.Length} {Path.GetFileName(path)}\n";
    }
}
