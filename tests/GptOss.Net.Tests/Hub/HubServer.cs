using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace GptOss.Net.Tests.Hub;

/// <summary>A hub on this machine: a repository's list, and its files by range, with faults as the test asks.</summary>
internal sealed class HubServer : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();

    public HubServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Gets the repository's files; those over 1,000 bytes are listed by their SHA-256, as the hub does.</summary>
    public Dictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Gets or sets what happens to a request, by its number from 0 and its path: <see langword="null"/> is the right answer.
    /// </summary>
    public Func<int, string, Fault?> Faults { get; set; } = (_, _) => null;

    /// <summary>Gets the requests so far: path, range, authorization.</summary>
    public List<(string Path, string? Range, string? Authorization)> Requests { get; } = [];

    public long SentBytes { get; private set; }

    /// <summary>Gets or sets how much later each MiB of a file is sent than the one before it.</summary>
    public TimeSpan PauseBetweenParts { get; set; }

    /// <summary>Gets or sets the hash that is listed for a file instead of its own.</summary>
    public string? ListedHash { get; set; }

    public static string Hash(byte[] content) => content.Length > 1_000
        ? Convert.ToHexStringLower(SHA256.HashData(content))
        : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    public void Dispose()
    {
        if (!_stopping.IsCancellationRequested)
        {
            _stopping.Cancel();
            _listener.Stop();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // stopped
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                {
                    var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                    while (await reader.ReadLineAsync() is { Length: > 0 } header)
                    {
                        headers[header.Split(':')[0]] = header[(header.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
                    }

                    if (!await AnswerAsync(stream, line.Split(' ')[1], headers))
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // the client left, or the server is stopped
        }
    }

    private async Task<bool> AnswerAsync(NetworkStream stream, string target, Dictionary<string, string> headers)
    {
        Fault? fault;
        lock (Requests)
        {
            fault = Faults(Requests.Count, target);
            Requests.Add((target, headers.GetValueOrDefault("Range"), headers.GetValueOrDefault("Authorization")));
        }

        if (fault?.Silence is { } silence)
        {
            await Task.Delay(silence, _stopping.Token);
            return false;
        }

        if (fault?.Status is { } status)
        {
            await WriteAsync(stream, $"HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\n{fault.Headers}\r\n", []);
            return true;
        }

        var path = Uri.UnescapeDataString(target.Split('?')[0]);
        if (path.StartsWith("/api/models/", StringComparison.Ordinal))
        {
            var list = Encoding.UTF8.GetBytes(fault?.Body ?? List());
            await WriteAsync(stream, $"HTTP/1.1 200 OK\r\nContent-Length: {list.Length}\r\n\r\n", list);
            return true;
        }

        var file = Files[path[(path.IndexOf(Commit, StringComparison.Ordinal) + Commit.Length + 1)..]];
        var range = fault?.IgnoresRange == true ? null : headers.GetValueOrDefault("Range")?["bytes=".Length..].Split('-');
        var from = range is null ? 0 : int.Parse(range[0], CultureInfo.InvariantCulture);
        await Task.Delay(PauseBetweenParts * (from >> 20), _stopping.Token);
        var part = range is null ? file : file[from..(int.Parse(range[1], CultureInfo.InvariantCulture) + 1)];
        var sent = fault?.Corrupts == true
            ? [.. part.Select(value => (byte)(value ^ 1))]
            : fault?.CutAt is { } cut ? part[..Math.Min(cut, part.Length)] : part;
        var head = range is null
            ? $"HTTP/1.1 200 OK\r\nContent-Length: {part.Length}\r\n\r\n"
            : $"HTTP/1.1 206 Partial Content\r\nContent-Length: {part.Length}\r\nContent-Range: "
                + $"bytes {from}-{from + part.Length - 1}/{fault?.ClaimedLength ?? file.Length}\r\n\r\n";
        await WriteAsync(stream, head, sent);
        return sent.Length == part.Length;
    }

    private async Task WriteAsync(NetworkStream stream, string head, byte[] body)
    {
        SentBytes += body.Length;
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        await stream.WriteAsync(body);
    }

    private string List() => new JsonObject
    {
        ["sha"] = Commit,
        ["siblings"] = new JsonArray([.. Files.Select(file => (JsonNode)Entry(file.Key, file.Value))]),
    }.ToJsonString();

    private JsonObject Entry(string path, byte[] content)
    {
        var hash = ListedHash is { } listed && path.EndsWith(".safetensors", StringComparison.Ordinal) ? listed : Hash(content);
        var entry = new JsonObject { ["rfilename"] = path, ["size"] = content.Length, ["blobId"] = hash };
        if (content.Length > 1_000)
        {
            entry["lfs"] = new JsonObject { ["sha256"] = hash, ["size"] = content.Length };
        }

        return entry;
    }

    /// <summary>What goes wrong with one request.</summary>
    internal sealed record Fault
    {
        public int? Status { get; init; }

        /// <summary>Gets header lines, each ending in CR LF.</summary>
        public string Headers { get; init; } = string.Empty;

        public string? Body { get; init; }

        public int? CutAt { get; init; }

        public bool Corrupts { get; init; }

        public bool IgnoresRange { get; init; }

        public long? ClaimedLength { get; init; }

        public TimeSpan? Silence { get; init; }
    }
}
