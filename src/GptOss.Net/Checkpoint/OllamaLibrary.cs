using System.Buffers;
using System.Text.Json;

namespace GptOss.Net.Checkpoint;

/// <summary>
/// Finds the models that Ollama has downloaded: a manifest names the blob of the weights, by its SHA-256.
/// <code>
/// models/manifests/registry.ollama.ai/library/gpt-oss/20b
///     {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:…"}]}
/// models/blobs/sha256-…
///     GGUF
/// </code>
/// </summary>
internal static class OllamaLibrary
{
    /// <summary>How the name of such a model begins: <c>ollama:gpt-oss:20b</c>.</summary>
    public const string Prefix = "ollama:";

    private const string WeightsType = "application/vnd.ollama.image.model";
    private const string Digest = "sha256:";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static bool Recognizes(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Finds the weights of a model.</summary>
    /// <param name="name"><c>ollama:[host/][owner/]name[:tag]</c>; the tag is <c>latest</c> where there is none.</param>
    /// <param name="directory">Ollama's <c>models</c> folder.</param>
    /// <returns>The path of the GGUF file.</returns>
    public static string Locate(string name, string directory)
    {
        var (path, tag) = Split(name[Prefix.Length..]);
        var parts = path.Split('/');
        if (parts.Length > 3 || !parts.Append(tag).All(IsPart))
        {
            throw new CheckpointException($"'{name}' is no name of an Ollama model; expected one like 'ollama:gpt-oss:20b'.");
        }

        string[] whole = parts.Length switch
        {
            1 => ["registry.ollama.ai", "library", .. parts],
            2 => ["registry.ollama.ai", .. parts],
            _ => parts,
        };
        var manifest = Path.Combine([directory, "manifests", .. whole, tag]);
        if (!File.Exists(manifest))
        {
            throw new CheckpointException(
                $"Ollama has no model '{path}:{tag}': there is no '{manifest}'. Fetch it with 'ollama pull {path}:{tag}', "
                + "or say by OLLAMA_MODELS where its models are.");
        }

        var blob = Path.Combine(directory, "blobs", WeightsDigest(manifest).Replace(':', '-'));
        return File.Exists(blob)
            ? blob
            : throw new CheckpointException(
                $"names the weights '{blob}', which are not there. Fetch them again with 'ollama pull {path}:{tag}'.", manifest,
                tensor: null);
    }

    private static (string Path, string Tag) Split(string name)
    {
        // A host may have a port, so the tag's colon is behind the last slash.
        var colon = name.IndexOf(':', name.LastIndexOf('/') + 1);
        return colon < 0 ? (name, "latest") : (name[..colon], name[(colon + 1)..]);
    }

    private static string WeightsDigest(string manifest)
    {
        using var document = JsonFile.Read(manifest);
        if (document.RootElement.ValueKind == JsonValueKind.Object
            && document.RootElement.TryGetProperty("layers", out var layers)
            && layers.ValueKind == JsonValueKind.Array)
        {
            foreach (var layer in layers.EnumerateArray())
            {
                if (Text(layer, "mediaType") is WeightsType && Text(layer, "digest") is { } digest && IsDigest(digest))
                {
                    return digest;
                }
            }
        }

        throw new CheckpointException($"names no layer of type '{WeightsType}' with a SHA-256.", manifest, tensor: null);
    }

    private static string? Text(JsonElement element, string name)
    {
        try
        {
            return element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.String
                ? value.GetString()
                : null;
        }
        catch (InvalidOperationException)
        {
            // An escape that is half of a surrogate pair.
            return null;
        }
    }

    private static bool IsDigest(string text) =>
        text.StartsWith(Digest, StringComparison.Ordinal) && text.Length == Digest.Length + 64
            && text.AsSpan(Digest.Length).IndexOfAnyExcept(HexDigits) < 0;

    private static bool IsPart(string part) =>
        part.Length > 0 && part[0] != '.' && part.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':');
}
