using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace GptOss.Net.Hub;

/// <summary>Fetches one file into the cache: parts side by side, written in order, so that what is there is always a beginning.</summary>
internal sealed class FileDownload(HubClient client, RepositoryCache cache, string id, string commit, HubFile file)
{
    private const int PartBytes = 8 << 20;
    private const int PartsAtOnce = 6;
    private const int Sha256Length = 64;

    /// <summary>Fetches what is missing, proves the hash, and shows the file in its snapshot.</summary>
    /// <param name="report">Told of bytes that were added, or taken back (negative).</param>
    /// <param name="cancellationToken">Stops; what came is kept.</param>
    public async Task RunAsync(Action<long> report, CancellationToken cancellationToken)
    {
        using (await cache.LockAsync(file, cancellationToken).ConfigureAwait(false))
        {
            if (IsThere())
            {
                report(file.Length);
            }
            else
            {
                await FetchAsync(report, cancellationToken).ConfigureAwait(false);
            }

            cache.Link(commit, file);
        }
    }

    private bool IsThere() =>
        new FileInfo(cache.Blob(file)) is { Exists: true } blob && blob.Length == file.Length
        || new FileInfo(cache.FilePath(commit, file)) is { Exists: true, LinkTarget: null } copy && copy.Length == file.Length;

    private async Task FetchAsync(Action<long> report, CancellationToken cancellationToken)
    {
        var path = cache.Incomplete(file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var isResumed = File.Exists(path);
        for (; ; isResumed = false)
        {
            string hash;
            var target = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            await using (target.ConfigureAwait(false))
            {
                if (target.Length > file.Length)
                {
                    target.SetLength(0);
                }

                report(target.Length);
                using var hasher = await BeginHashAsync(target, cancellationToken).ConfigureAwait(false);
                await AppendAsync(target, hasher, report, cancellationToken).ConfigureAwait(false);
                target.Flush(flushToDisk: true);
                hash = Convert.ToHexStringLower(hasher.GetHashAndReset());
            }

            if (hash == file.Hash)
            {
                File.Move(path, cache.Blob(file), overwrite: true);
                return;
            }

            File.Delete(path);
            report(-file.Length);
            if (!isResumed)
            {
                throw new ModelDownloadException(
                    $"{id}: {file.Path} arrived damaged: its hash is {hash}, the hub lists {file.Hash}. It was removed; "
                    + "load again to fetch it anew.");
            }

            // What an earlier run left may have been wrong: once more from the beginning.
        }
    }

    private async Task<IncrementalHash> BeginHashAsync(FileStream target, CancellationToken cancellationToken)
    {
        var hasher = IncrementalHash.CreateHash(file.Hash.Length == Sha256Length ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (file.Hash.Length != Sha256Length)
        {
            hasher.AppendData(
                Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Length}\0"))); // git's object header
        }

        var buffer = new byte[1 << 20];
        target.Position = 0;
        int count;
        while ((count = await target.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            hasher.AppendData(buffer, 0, count);
        }

        return hasher;
    }

    private async Task AppendAsync(FileStream target, IncrementalHash hasher, Action<long> report, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var parts = new Queue<Task<byte[]>>();
        var next = target.Length;
        try
        {
            while (next < file.Length || parts.Count > 0)
            {
                while (next < file.Length && parts.Count < PartsAtOnce)
                {
                    parts.Enqueue(ReadPartAsync(next, stopping.Token));
                    next += Math.Min(PartBytes, file.Length - next);
                }

                var part = await parts.Dequeue().ConfigureAwait(false);
                await target.WriteAsync(part, cancellationToken).ConfigureAwait(false);
                hasher.AppendData(part);
                report(part.Length);
            }
        }
        catch (IOException exception) when (exception is not FileNotFoundException)
        {
            throw new ModelDownloadException(
                $"{target.Name} cannot be written at byte {target.Position:N0}: {exception.Message}", exception);
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(parts.Select(part => part.ContinueWith(_ => { }, TaskScheduler.Default))).ConfigureAwait(false);
        }
    }

    private async Task<byte[]> ReadPartAsync(long offset, CancellationToken cancellationToken)
    {
        var part = new byte[Math.Min(PartBytes, file.Length - offset)];
        await client.ReadAsync(id, commit, file, offset, part, cancellationToken).ConfigureAwait(false);
        return part;
    }
}
