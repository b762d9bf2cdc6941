using System.Text.Json;
using System.Text.Unicode;

namespace GptOss.Net.Checkpoint;

/// <summary>Reads the JSON files beside the weights, as untrusted inputs.</summary>
internal static class JsonFile
{
    private const int MaxLength = 32 * 1024 * 1024;
    private const int MaxDepth = 16;

    public static JsonDocument Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxLength)
            {
                throw new CheckpointException(
                    $"is {stream.Length:N0} bytes long; at most {MaxLength:N0} are accepted.", path, tensor: null);
            }

            var json = new byte[stream.Length];
            stream.ReadExactly(json);
            LfsPointer.Refuse(json, path);
            return Parse(json, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"cannot be read: {exception.Message}", path, tensor: null, exception);
        }
    }

    /// <summary>Parses JSON in which no object names a property twice.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="path">The file it comes from, for messages.</param>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json, string path)
    {
        // Some editors write a byte order mark; it means nothing.
        json = json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json;

        // The parser checks the text of strings only where they are read.
        if (!Utf8.IsValid(json.Span))
        {
            throw new CheckpointException("is not valid UTF-8.", path, tensor: null);
        }

        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CheckpointException($"is not valid JSON: {exception.Message}", path, tensor: null, exception);
        }
    }
}
