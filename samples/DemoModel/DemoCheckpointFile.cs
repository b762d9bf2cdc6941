using System.Globalization;
using System.Security.Cryptography;

namespace DemoModel;

/// <summary>One file of the demonstration model, as the list beside the archive describes it.</summary>
/// <param name="Sha256">SHA-256 of the content, in lower-case hexadecimal.</param>
/// <param name="Length">Length in bytes.</param>
/// <param name="Name">File name without a folder.</param>
internal sealed record DemoCheckpointFile(string Sha256, long Length, string Name)
{
    /// <summary>Reads a line <c>hash length name</c>.</summary>
    public static DemoCheckpointFile Parse(string line) => line.Split(' ') is [var hash, var length, var name]
        ? new DemoCheckpointFile(hash, long.Parse(length, CultureInfo.InvariantCulture), name)
        : throw new InvalidDataException($"'{line}' does not describe a file of the demonstration model.");

    /// <summary>Whether the file lies in a folder with the right length.</summary>
    public bool IsIn(string folder) => new FileInfo(Path.Combine(folder, Name)) is { Exists: true } file && file.Length == Length;

    /// <summary>Throws where the file in a folder is not what was packed.</summary>
    public async Task VerifyAsync(string folder, CancellationToken cancellationToken)
    {
        var stream = File.OpenRead(Path.Combine(folder, Name));
        await using (stream.ConfigureAwait(false))
        {
            var hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
            if (stream.Length != Length || !string.Equals(hash, Sha256, StringComparison.Ordinal))
            {
                throw new InvalidDataException(
                    $"{Name} of the demonstration model has {stream.Length} bytes and hash {hash}, not {Length} and {Sha256}: "
                    + "the embedded archive is damaged; build the project anew.");
            }
        }
    }
}
