using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace DemoModel;

/// <summary>
/// gpt-oss-nano: a tiny checkpoint of the gpt-oss architecture, embedded in this assembly. It exercises the whole path
/// without a download; it is no substitute for gpt-oss-20b. tools/DemoModelTrainer makes it.
/// </summary>
public static class DemoCheckpoint
{
    private const string Archive = "gpt-oss-nano.tar.br";
    private const string FileList = "gpt-oss-nano.files";
    private const int HashPrefixLength = 16;

    /// <summary>
    /// Unpacks the model (about 53 MB) where that has not been done yet, and returns the folder to give to
    /// <c>GptOssModel.LoadAsync</c>. Safe to call from several threads and processes at once.
    /// </summary>
    /// <param name="directory">
    /// The folder to unpack into; by default <c>GptOss.Net/demo</c> and the model's hash below the user's local application data.
    /// </param>
    /// <param name="cancellationToken">Stops the unpacking; nothing half-done stays.</param>
    /// <returns>The full path of the folder.</returns>
    /// <exception cref="InvalidDataException">The embedded archive is damaged.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static async Task<string> ExtractAsync(string? directory = null, CancellationToken cancellationToken = default)
    {
        var list = ReadFileList();
        DemoCheckpointFile[] files = [.. list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(DemoCheckpointFile.Parse)];
        var target = Path.GetFullPath(directory ?? DefaultDirectory(list));
        if (files.All(file => file.IsIn(target)))
        {
            return target;
        }

        var partial = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(partial);
            await UnpackAsync(files, partial, cancellationToken).ConfigureAwait(false);
            MoveInto(files, partial, target);
        }
        finally
        {
            if (Directory.Exists(partial))
            {
                Directory.Delete(partial, recursive: true);
            }
        }

        return target;
    }

    private static string DefaultDirectory(string fileList)
    {
        var data = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        var root = string.IsNullOrEmpty(data) ? Path.GetTempPath() : data;
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(fileList)));
        return Path.Combine(root, "GptOss.Net", "demo", hash[..HashPrefixLength]);
    }

    private static string ReadFileList()
    {
        using var reader = new StreamReader(OpenResource(FileList), Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static async Task UnpackAsync(
        IReadOnlyList<DemoCheckpointFile> files, string folder, CancellationToken cancellationToken)
    {
        var resource = OpenResource(Archive);
        await using (resource.ConfigureAwait(false))
        {
            var content = new BrotliStream(resource, CompressionMode.Decompress);
            await using (content.ConfigureAwait(false))
            {
                await TarFile.ExtractToDirectoryAsync(content, folder, overwriteFiles: false, cancellationToken)
                    .ConfigureAwait(false);
            }
        }

        foreach (var file in files)
        {
            await file.VerifyAsync(folder, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>File by file, each in one step: a folder that exists is completed, and whoever comes second changes nothing.</summary>
    private static void MoveInto(IEnumerable<DemoCheckpointFile> files, string partial, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var file in files.Where(file => !file.IsIn(target)))
        {
            File.Move(Path.Combine(partial, file.Name), Path.Combine(target, file.Name), overwrite: true);
        }
    }

    private static Stream OpenResource(string name) =>
        typeof(DemoCheckpoint).Assembly.GetManifestResourceStream(name)
        ?? throw new InvalidDataException($"The assembly has no resource '{name}'.");
}
