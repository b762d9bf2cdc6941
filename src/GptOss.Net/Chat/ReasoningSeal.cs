using System.Buffers.Binary;
using GptOss.Net.Harmony;

namespace GptOss.Net.Chat;

/// <summary>
/// Reasoning as protected data: the tokens of a thought, so that it is replayed as it was written although the caller may not see it.
/// Safe for use by several threads.
/// </summary>
/// <remarks>Base64 of what the protection makes of a version and three bytes for each token.</remarks>
internal sealed class ReasoningSeal(ReasoningProtection protection)
{
    private const byte Version = 2;
    private const int TokensStart = 1;
    private const int BytesPerToken = 3;

    /// <summary>The protected data of a thought.</summary>
    public string Seal(IReadOnlyList<int> tokens)
    {
        var data = new byte[TokensStart + (tokens.Count * BytesPerToken)];
        data[0] = Version;
        for (var i = 0; i < tokens.Count; i++)
        {
            var bytes = data.AsSpan(TokensStart + (i * BytesPerToken), BytesPerToken);
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)tokens[i]);
            bytes[2] = (byte)(tokens[i] >> 16);
        }

        return Convert.ToBase64String(protection.Protect(data));
    }

    /// <summary>The tokens, or <see langword="null"/> if this was not sealed with the same protection.</summary>
    public int[]? Open(string? sealedText)
    {
        var buffer = new byte[(sealedText?.Length ?? 0) / 4 * 3];
        if (buffer.Length == 0 || !Convert.TryFromBase64String(sealedText!, buffer, out var length)
            || protection.Unprotect(buffer[..length]) is not { } data
            || data.Length < TokensStart || (data.Length - TokensStart) % BytesPerToken != 0 || data[0] != Version)
        {
            return null;
        }

        var tokens = new int[(data.Length - TokensStart) / BytesPerToken];
        for (var i = 0; i < tokens.Length; i++)
        {
            var bytes = data.AsSpan(TokensStart + (i * BytesPerToken), BytesPerToken);
            tokens[i] = BinaryPrimitives.ReadUInt16LittleEndian(bytes) | (bytes[2] << 16);
        }

        return Array.Exists(tokens, token => token >= ControlToken.First) ? null : tokens;
    }
}
