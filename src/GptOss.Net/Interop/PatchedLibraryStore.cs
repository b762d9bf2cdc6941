using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace GptOss.Net.Interop;

/// <summary>A folder of adapted library files, one sub-folder for each content, named by its SHA-256.</summary>
/// <remarks>Safe against other processes that store the same file, and against files that somebody else could have changed.</remarks>
[UnsupportedOSPlatform("windows")]
internal sealed class PatchedLibraryStore(string root)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>The store of the user who runs this process, or <see langword="null"/> if that user has no home folder.</summary>
    internal static PatchedLibraryStore? OfCurrentUser()
    {
        var data = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return string.IsNullOrEmpty(data) ? null : new PatchedLibraryStore(Path.Combine(data, "GptOss.Net", "native"));
    }

    /// <summary>Returns a file with this content, written now unless an intact one is there.</summary>
    /// <exception cref="IOException">The folder cannot be written, or others than its owner can write it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    internal string Keep(string fileName, ReadOnlySpan<byte> content)
    {
        var hash = SHA256.HashData(content);
        var folder = Path.Combine(root, Convert.ToHexStringLower(hash));
        CreatePrivateFolder(root);
        CreatePrivateFolder(folder);
        var file = Path.Combine(folder, fileName);
        if (!IsIntact(file, content.Length, hash))
        {
            Write(file, content);
        }

        return file;
    }

    private static bool IsIntact(string path, long length, ReadOnlySpan<byte> hash)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length != length || (file.UnixFileMode & WritableByOthers) != UnixFileMode.None)
        {
            return false;
        }

        using var stream = file.OpenRead();
        return SHA256.HashData(stream).AsSpan().SequenceEqual(hash);
    }

    private static void Write(string file, ReadOnlySpan<byte> content)
    {
        var temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            };
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, file, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void CreatePrivateFolder(string path)
    {
        var folder = Directory.CreateDirectory(path, OwnerOnly);
        if ((folder.UnixFileMode & WritableByOthers) != UnixFileMode.None)
        {
            throw new IOException($"Others than its owner can write the folder {path}: libraries are not loaded from there.");
        }
    }
}
