using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>
/// Items that a compaction replaced, compressed and encrypted (AES-GCM: nonce, tag, content). The key is new in each process: what another
/// one sealed is refused.
/// </summary>
internal sealed class CompactionSeal : IDisposable
{
    private const int NonceLength = 12;
    private const int TagLength = 16;

    private readonly AesGcm _cipher = new(RandomNumberGenerator.GetBytes(32), TagLength);

    public string Seal(IReadOnlyList<JsonElement> items)
    {
        using var packed = new MemoryStream();
        using (var brotli = new BrotliStream(packed, CompressionLevel.Fastest))
        using (var writer = new Utf8JsonWriter(brotli))
        {
            writer.WriteStartArray();
            foreach (var item in items)
            {
                item.WriteTo(writer);
            }

            writer.WriteEndArray();
        }

        var content = packed.ToArray();
        var data = new byte[NonceLength + TagLength + content.Length];
        RandomNumberGenerator.Fill(data.AsSpan(0, NonceLength));
        _cipher.Encrypt(
            data.AsSpan(0, NonceLength), content, data.AsSpan(NonceLength + TagLength), data.AsSpan(NonceLength, TagLength));
        return Convert.ToBase64String(data);
    }

    /// <summary>The items of a sealed text; refused where this process did not seal it.</summary>
    public IReadOnlyList<JsonElement> Open(string? sealedText, string param)
    {
        try
        {
            var data = Convert.FromBase64String(sealedText ?? "");
            var content = new byte[data.Length - NonceLength - TagLength];
            _cipher.Decrypt(
                data.AsSpan(0, NonceLength), data.AsSpan(NonceLength + TagLength), data.AsSpan(NonceLength, TagLength), content);
            using var brotli = new BrotliStream(new MemoryStream(content), CompressionMode.Decompress);
            using var document = JsonDocument.Parse(brotli);
            return [.. document.RootElement.EnumerateArray().Select(item => item.Clone())];
        }
        catch (Exception exception) when (exception is FormatException or CryptographicException or OverflowException or ArgumentException)
        {
            throw RequestError.Invalid(
                $"{param}.encrypted_content", $"'{param}.encrypted_content' was not made by this server; send the conversation itself.");
        }
    }

    public void Dispose() => _cipher.Dispose();
}
