using System.Buffers.Binary;
using System.Security.Cryptography;

namespace GptOss.Net.Chat;

/// <summary>
/// Reasoning as protected data: the tokens of a thought, so that it is replayed as it was written although the caller may not see it.
/// </summary>
/// <remarks>
/// Base64 of a version, a code that authenticates the rest, and three bytes for each token. The key is new in each process: what
/// another process sealed is not opened.
/// </remarks>
internal static class ReasoningSeal
{
    private const byte Version = 1;
    private const int CodeLength = 16; // of the 32 bytes that the hash has
    private const int TokensStart = 1 + CodeLength;
    private const int BytesPerToken = 3;

    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    /// <summary>The protected data of a thought.</summary>
    public static string Seal(IReadOnlyList<int> tokens)
    {
        var data = new byte[TokensStart + (tokens.Count * BytesPerToken)];
        data[0] = Version;
        for (var i = 0; i < tokens.Count; i++)
        {
            var bytes = data.AsSpan(TokensStart + (i * BytesPerToken), BytesPerToken);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)tokens[i]);
            bytes[2] = (byte)(tokens[i] >> 16);
        }

        CodeOf(data).CopyTo(data.AsSpan(1));
        return Convert.ToBase64String(data);
    }

    /// <summary>The tokens, or <see langword="null"/> if this process did not seal them.</summary>
    public static int[]? Open(string? sealedText)
    {
        var data = new byte[(sealedText?.Length ?? 0) / 4 * 3];
        if (!Convert.TryFromBase64String(sealedText ?? "", data, out var length)
            || length < TokensStart || (length - TokensStart) % BytesPerToken != 0 || data[0] != Version)
        {
            return null;
        }

        data = data[..length];
        if (!CryptographicOperations.FixedTimeEquals(data.AsSpan(1, CodeLength), CodeOf(data)))
        {
            return null;
        }

        var tokens = new int[(length - TokensStart) / BytesPerToken];
        for (var i = 0; i < tokens.Length; i++)
        {
            var bytes = data.AsSpan(TokensStart + (i * BytesPerToken), BytesPerToken);
            tokens[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes) | (bytes[2] << 16);
        }

        return tokens;
    }

    private static ReadOnlySpan<byte> CodeOf(byte[] data)
    {
        byte[] authenticated = [data[0], .. data.AsSpan(TokensStart)];
        return HMACSHA256.HashData(Key, authenticated).AsSpan(0, CodeLength);
    }
}
