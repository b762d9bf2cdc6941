using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using GptOss.Net.Checkpoint;
using GptOss.Net.Interop;
using GptOss.Net.Placement;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Execution;

/// <summary>
/// A folder where weights lie as an executor has them in memory, so that the next start maps them instead of reading and packing a
/// checkpoint. Whatever is wrong with it, loading goes on without it: a file that is not right is told of and replaced, one that cannot be
/// written is told of.
/// </summary>
internal sealed class RepackCache
{
    private const string Draft = ".incomplete";

    private readonly string _directory;
    private readonly string _model; // what its files are called
    private readonly string _source; // which checkpoint with which adapters it is: another has files of its own
    private readonly string _content; // what they hold: a file made of something else is replaced
    private readonly ILogger _logger;

    /// <param name="directory">The folder; it is made when something is written.</param>
    /// <param name="paths">All files that the model is read from, its adapters' included.</param>
    /// <param name="logger">Is told what was used, written, refused.</param>
    /// <exception cref="CheckpointException">A file of the model cannot be read.</exception>
    public RepackCache(string directory, IReadOnlyList<string> paths, ILogger logger)
    {
        var files = ContentIdentity.Files(paths);
        (_directory, _model, _source, _content) = (directory, ModelName.Of(paths[0]), string.Join('\n', files), ContentIdentity.Of(files));
        _logger = logger;
    }

    /// <summary>Maps and verifies what was kept.</summary>
    /// <param name="form">Which part of the model it is, and what else decides its bytes.</param>
    /// <param name="bytes">How many there must be.</param>
    /// <param name="threads">How many threads verify.</param>
    /// <param name="progress">Told of what was verified.</param>
    /// <returns>The file, or <see langword="null"/> where there is none that is right.</returns>
    /// <exception cref="OperationCanceledException">Loading was cancelled.</exception>
    public RepackedFile? Open(string form, long bytes, int threads, WeightReadProgress progress)
    {
        var (path, started) = (PathOf(form), Stopwatch.GetTimestamp());
        var file = RepackedFile.Open(path, Key(form), bytes, out var fault);
        try
        {
            if (file is not null && file.Verify(threads, progress))
            {
                _logger.RepackedWeightsMapped(ByteSize.Format(file.Data.Bytes), path, Stopwatch.GetElapsedTime(started).TotalSeconds);
                return file;
            }
        }
        catch
        {
            file?.Dispose();
            throw;
        }

        file?.Dispose();
        if (fault != RepackFault.Missing)
        {
            _logger.RepackedWeightsRefused(path, file is null ? fault : RepackFault.Altered);
            Remove(path);
        }

        return null;
    }

    /// <summary>Keeps weights that were just packed, unless somebody else has done it, or does it now.</summary>
    /// <param name="form">Which part of the model it is, and what else decides its bytes.</param>
    /// <param name="weights">The weights, range after range.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    public void Keep(string form, IReadOnlyList<MemoryRange> weights, CancellationToken cancellationToken)
    {
        var (path, started) = (PathOf(form), Stopwatch.GetTimestamp());
        try
        {
            Directory.CreateDirectory(_directory);
            using var turn = File.OpenHandle(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            if (!File.Exists(path))
            {
                Write(path, form, weights, cancellationToken);
                _logger.RepackedWeightsKept(
                    ByteSize.Format(weights.Sum(range => range.Bytes)), path, Stopwatch.GetElapsedTime(started).TotalSeconds);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            _logger.RepackedWeightsNotKept(path, exception.Message);
        }
    }

    /// <summary>
    /// Under a name of its own first: only a whole file ever gets the name that others read, and nobody writes to it then.
    /// </summary>
    private void Write(string path, string form, IReadOnlyList<MemoryRange> weights, CancellationToken cancellationToken)
    {
        foreach (var left in Directory.EnumerateFiles(_directory, Path.GetFileName(path) + ".*" + Draft))
        {
            Remove(left); // by a process that ended while it wrote
        }

        var draft = $"{path}.{Guid.NewGuid():N}{Draft}";
        try
        {
            RepackedFile.Write(draft, Key(form), weights, cancellationToken);
            if (!OperatingSystem.IsWindows())
            {
                const UnixFileMode Writers = UnixFileMode.UserWrite | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
                File.SetUnixFileMode(draft, File.GetUnixFileMode(draft) & ~Writers);
            }

            File.Move(draft, path);
        }
        catch
        {
            Remove(draft);
            throw;
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It stays, and is refused again.
        }
    }

    private string PathOf(string form) =>
        Path.Combine(_directory, $"{_model}-{Convert.ToHexStringLower(Hash($"{_source}\n{form}").AsSpan(0, 8))}.weights");

    private byte[] Key(string form) => Hash($"{RuntimeInformation.ProcessArchitecture}\n{form}\n{_content}");

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
