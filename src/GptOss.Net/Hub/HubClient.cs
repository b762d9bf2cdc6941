using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace GptOss.Net.Hub;

/// <summary>Asks the hub for a repository's files. Repeats what may pass; says what will not.</summary>
internal sealed class HubClient : IDisposable
{
    private const int Attempts = 6;
    private const int MaxRedirects = 10;
    private const int MaxListingBytes = 32 << 20;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    private readonly HttpClient _http;
    private readonly HubSettings _settings;
    private readonly TimeProvider _time;

    public HubClient(HubSettings settings, TimeProvider time, HttpMessageHandler? handler = null)
    {
        (_settings, _time) = (settings, time);

        // Redirects are followed here, so that the token never reaches another host; time is limited for each read, not for a whole file.
        _http = new HttpClient(handler ?? new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = settings.ReadTimeout })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { { "User-Agent", "GptOss.Net" } },
        };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The files of a revision, each with its size and hash.</summary>
    /// <exception cref="ModelDownloadException">The hub does not give them.</exception>
    public async Task<HubSnapshot> ListAsync(string id, string revision, CancellationToken cancellationToken)
    {
        var address = new Uri(_settings.Endpoint, $"api/models/{id}/revision/{Uri.EscapeDataString(revision)}?blobs=true");
        var json = await RepeatAsync(
            id,
            async token =>
            {
                using var response = await SendAsync(address, range: null, token).ConfigureAwait(false);
                await EnsureSuccessAsync(response, id, revision, token).ConfigureAwait(false);
                return await ReadAllAsync(response, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        try
        {
            return Parse(json);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new ModelDownloadException(
                $"{address} did not answer with the list of a repository's files: {exception.Message}", exception);
        }
    }

    /// <summary>Fills a buffer with a part of a file.</summary>
    /// <exception cref="ModelDownloadException">The hub does not give it.</exception>
    public Task ReadAsync(
        string id, string commit, HubFile file, long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        RepeatAsync(
            $"{id}: {file.Path}",
            async token =>
            {
                var address = new Uri(
                    _settings.Endpoint, $"{id}/resolve/{commit}/{string.Join('/', file.Path.Split('/').Select(Uri.EscapeDataString))}");
                var range = new RangeHeaderValue(offset, offset + destination.Length - 1);
                using var response = await SendAsync(address, range, token).ConfigureAwait(false);
                await EnsureSuccessAsync(response, id, commit, token).ConfigureAwait(false);
                await FillAsync(response, file, offset, destination, token).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    private static HubSnapshot Parse(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        var files = new List<HubFile>();
        foreach (var sibling in document.RootElement.GetProperty("siblings").EnumerateArray())
        {
            var path = sibling.GetProperty("rfilename").GetString()!;
            var isLarge = sibling.TryGetProperty("lfs", out var large) && large.ValueKind == JsonValueKind.Object;
            var hash = isLarge
                ? large.TryGetProperty("sha256", out var sha) ? sha.GetString() : large.GetProperty("oid").GetString()
                : sibling.TryGetProperty("blobId", out var blob) ? blob.GetString() : null;
            var length = isLarge
                ? large.GetProperty("size").GetInt64()
                : sibling.TryGetProperty("size", out var size) ? size.GetInt64() : -1;
            if (IsSafe(path) && hash is { Length: 40 or 64 } && hash.All(char.IsAsciiHexDigit) && length >= 0)
            {
                files.Add(new HubFile(path, length, hash.ToLowerInvariant()));
            }
        }

        var commit = document.RootElement.GetProperty("sha").GetString();
        return commit is { Length: 40 } && commit.All(char.IsAsciiHexDigit)
            ? new HubSnapshot(commit, files)
            : throw new JsonException($"its commit is '{commit}'");
    }

    /// <summary>A path that stays below the snapshot.</summary>
    private static bool IsSafe(string path) =>
        path.Length > 0 && path.Split('/').All(part =>
            part.Length > 0 && part is not ("." or "..") && part.AsSpan().IndexOfAny('\\', ':') < 0);

    private async Task<HttpResponseMessage> SendAsync(Uri address, RangeHeaderValue? range, CancellationToken cancellationToken)
    {
        var origin = address;
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Range = range } };
            if (_settings.Token is { } token && (address.Scheme, address.Host, address.Port) == (origin.Scheme, origin.Host, origin.Port))
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            var response = await InTimeAsync(
                token => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken)
                .ConfigureAwait(false);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
            {
                return response;
            }

            response.Dispose();
            address = new Uri(address, location);
            if (redirects == MaxRedirects || address.Scheme is not ("https" or "http")
                || (origin.Scheme == "https" && address.Scheme == "http"))
            {
                throw new ModelDownloadException($"{origin} leads to {address}, which is not followed.");
            }
        }
    }

    private async Task FillAsync(
        HttpResponseMessage response, HubFile file, long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var skip = 0L;
        if (response.StatusCode == HttpStatusCode.OK)
        {
            skip = offset; // a server that does not know ranges sends all of it
        }
        else if (response.Content.Headers.ContentRange is { } range
            && (range.From != offset || (range.Length is { } length && length != file.Length)))
        {
            throw new ModelDownloadException(
                $"{file.Path} has {range.Length:N0} bytes on the server, which sent those from {range.From:N0}; "
                + $"{file.Length:N0} bytes from {offset:N0} were expected. The repository changed meanwhile: load again.");
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            var scratch = skip > 0 ? new byte[Math.Min(skip, 1 << 16)] : [];
            while (skip > 0)
            {
                skip -= await ReadSomeAsync(body, scratch.AsMemory(0, (int)Math.Min(skip, scratch.Length)), cancellationToken)
                    .ConfigureAwait(false);
            }

            while (!destination.IsEmpty)
            {
                destination = destination[await ReadSomeAsync(body, destination, cancellationToken).ConfigureAwait(false)..];
            }
        }
    }

    private async Task<int> ReadSomeAsync(Stream body, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var count = await InTimeAsync(token => body.ReadAsync(destination, token).AsTask(), cancellationToken).ConfigureAwait(false);
        return count > 0 ? count : throw new IOException("the connection ended too early");
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(_settings.ReadTimeout);
        try
        {
            return await read(late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"nothing came for {_settings.ReadTimeout.TotalSeconds:N0} s", exception);
        }
    }

    private static async Task<byte[]> ReadAllAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            using var all = new MemoryStream();
            var buffer = new byte[1 << 16];
            int count;
            while ((count = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                all.Write(buffer, 0, count);
                if (all.Length > MaxListingBytes)
                {
                    throw new ModelDownloadException($"The list of files is longer than {MaxListingBytes:N0} bytes.");
                }
            }

            return all.ToArray();
        }
    }

    private async Task<T> RepeatAsync<T>(string what, Func<CancellationToken, Task<T>> attempt, CancellationToken cancellationToken)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await attempt(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or PassingFailureException
                && !cancellationToken.IsCancellationRequested)
            {
                if (tries == Attempts)
                {
                    throw new ModelDownloadException(
                        $"{what}: {exception.Message.TrimEnd('.')}, {tries} times. What was fetched is kept; load again to go on.",
                        exception);
                }

                var wait = (exception as PassingFailureException)?.RetryAfter ?? _settings.RetryDelay * (1 << (tries - 1));
                await Task.Delay(wait < LongestWait ? wait : LongestWait, _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async Task EnsureSuccessAsync(HttpResponseMessage response, string id, string revision, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var said = response.Headers.TryGetValues("X-Error-Message", out var values)
            ? $" The hub says: {string.Join(' ', values)}"
            : string.Empty;
        var status = string.Create(CultureInfo.InvariantCulture, $"{(int)response.StatusCode} {response.ReasonPhrase}");
        await response.Content.LoadIntoBufferAsync(1 << 20, cancellationToken).ConfigureAwait(false);
        throw (int)response.StatusCode switch
        {
            401 when _settings.Token is null =>
                new ModelDownloadException($"'{id}' does not exist, or needs an access token: set HF_TOKEN.{said}"),
            401 => new ModelDownloadException($"The hub does not accept the access token for '{id}': renew HF_TOKEN.{said}"),
            403 => new ModelDownloadException($"'{id}' is gated: accept its terms on the hub with the account of HF_TOKEN.{said}"),
            404 => new ModelDownloadException($"The hub has no '{id}' at revision '{revision}'.{said}"),
            416 => new ModelDownloadException(
                $"A file of '{id}' is shorter than the hub's list says. The repository changed meanwhile: load again.{said}"),
            408 or 425 or 429 or >= 500 => new PassingFailureException($"the hub answered {status}{said}", RetryAfter(response)),
            _ => new ModelDownloadException($"The hub answered {status} for '{id}'.{said}"),
        };
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > _time.GetUtcNow() => date - _time.GetUtcNow(),
        _ => null,
    };

    private sealed class PassingFailureException(string message, TimeSpan? retryAfter) : Exception(message)
    {
        public TimeSpan? RetryAfter => retryAfter;
    }
}
