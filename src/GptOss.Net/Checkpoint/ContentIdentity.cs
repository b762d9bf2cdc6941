using System.Security.Cryptography;
using System.Text;

namespace GptOss.Net.Checkpoint;

/// <summary>What tells whether files hold what they held, without reading all of them.</summary>
internal static class ContentIdentity
{
    private const int HeadBytes = 1 << 20; // the header of safetensors and GGUF, and all of a config.json
    private const int Samples = 64;
    private const int SampleBytes = 4096;

    /// <summary>
    /// The files behind paths, each once: a path in the Hugging Face cache is a link to a blob that is named by its hash.
    /// </summary>
    public static IReadOnlyList<string> Files(IEnumerable<string> paths) =>
    [
        .. paths.Select(path => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path))
            .Distinct(StringComparer.Ordinal),
    ];

    /// <summary>
    /// A line for each file: its length, the time of its last change, and a SHA-256 of its beginning and of samples spread over it. Files
    /// that were replaced or written to have another, unless somebody who wrote between the samples has set back the time.
    /// </summary>
    /// <exception cref="CheckpointException">A file cannot be read.</exception>
    public static string Of(IReadOnlyList<string> files)
    {
        var text = new StringBuilder();
        foreach (var path in files)
        {
            using var file = CheckpointFile.Open(path);
            text.Append(file.Length).Append(' ').Append(File.GetLastWriteTimeUtc(path).Ticks).Append(' ').Append(Hash(file)).Append('\n');
        }

        return text.ToString();
    }

    private static string Hash(CheckpointFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var bytes = new byte[(int)Math.Min(HeadBytes, file.Length)];
        file.Read(0, bytes, tensor: null);
        hash.AppendData(bytes);
        for (var sample = 0; sample < Samples && file.Length > HeadBytes; sample++)
        {
            // The last one is the file's end.
            file.Read((file.Length - SampleBytes) * sample / (Samples - 1), bytes.AsSpan(0, SampleBytes), tensor: null);
            hash.AppendData(bytes, 0, SampleBytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
