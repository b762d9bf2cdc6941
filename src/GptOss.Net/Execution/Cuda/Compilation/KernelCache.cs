using System.Security.Cryptography;
using System.Text;

namespace GptOss.Net.Execution.Cuda.Compilation;

/// <summary>
/// Compiled kernels in a folder, one file each, named by the hash of text and compiler: 32 bytes SHA-256 of the code, then the code.
/// </summary>
/// <remarks>
/// Several processes may use it at once. A damaged file is compiled again; a folder that cannot be written only costs time.
/// </remarks>
internal sealed class KernelCache(string? folder)
{
    /// <summary>The cache of the user who runs this process; without a home folder nothing is kept.</summary>
    public static KernelCache OfCurrentUser()
    {
        var data = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return new KernelCache(string.IsNullOrEmpty(data) ? null : Path.Combine(data, "GptOss.Net", "kernels"));
    }

    /// <summary>The compiled form, from the folder or else from the compiler.</summary>
    public byte[] Get(KernelSource source, IKernelCompiler compiler)
    {
        if (folder is null)
        {
            return compiler.Compile(source);
        }

        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{compiler.Identity}\0{source.Text}")));
        var file = Path.Combine(folder, $"{key}.bin");
        if (Read(file) is { } known)
        {
            return known;
        }

        var image = compiler.Compile(source);
        Write(file, image);
        return image;
    }

    private static byte[]? Read(string file)
    {
        try
        {
            var content = File.ReadAllBytes(file);
            var image = content.AsSpan(Math.Min(SHA256.HashSizeInBytes, content.Length));
            return content.Length > SHA256.HashSizeInBytes
                && content.AsSpan(0, SHA256.HashSizeInBytes).SequenceEqual(SHA256.HashData(image))
                ? image.ToArray()
                : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Write(string file, byte[] image)
    {
        var temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            CreatePrivateFolder(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(temporary, [.. SHA256.HashData(image), .. image]);
            File.Move(temporary, file, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The next load compiles again.
        }
    }

    private static void CreatePrivateFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
