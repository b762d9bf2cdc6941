using System.Security.Cryptography;

namespace GptOss.Net;

/// <summary>
/// How the reasoning is protected that a conversation carries as <see cref="Microsoft.Extensions.AI.TextReasoningContent.ProtectedData"/>.
/// Thread-safe.
/// </summary>
/// <remarks>
/// By default a key that is new in each process authenticates it: what another process wrote is ignored. Give all replicas, and a process
/// that is to go on with stored conversations, the same key; or the methods of an <c>IDataProtector</c>:
/// <code>
/// var protector = dataProtectionProvider.CreateProtector("reasoning");
/// var options = new GptOssModelOptions { ReasoningProtection = new(protector.Protect, protector.Unprotect) };
/// </code>
/// </remarks>
public sealed class ReasoningProtection
{
    private const int LeastKeyLength = 16;
    private const int CodeLength = 16; // of the 32 bytes that the hash has

    private readonly Func<byte[], byte[]> _protect;
    private readonly Func<byte[], byte[]> _unprotect;

    /// <summary>Initializes a protection by given functions.</summary>
    /// <param name="protect">Turns data into protected data; called by several threads.</param>
    /// <param name="unprotect">The other way; throws a <see cref="CryptographicException"/> for what it did not protect.</param>
    public ReasoningProtection(Func<byte[], byte[]> protect, Func<byte[], byte[]> unprotect)
    {
        ArgumentNullException.ThrowIfNull(protect);
        ArgumentNullException.ThrowIfNull(unprotect);
        (_protect, _unprotect) = (protect, unprotect);
    }

    /// <summary>Gets the protection by a key that this process alone knows.</summary>
    public static ReasoningProtection OfThisProcess { get; } = FromKey(RandomNumberGenerator.GetBytes(32));

    /// <summary>
    /// A protection that authenticates reasoning with HMAC-SHA256. It does not encrypt: whoever holds the conversation can read it.
    /// </summary>
    /// <param name="key">At least 16 bytes that nobody else knows.</param>
    /// <returns>The protection.</returns>
    /// <exception cref="ArgumentException">The key is shorter.</exception>
    public static ReasoningProtection FromKey(ReadOnlySpan<byte> key)
    {
        if (key.Length < LeastKeyLength)
        {
            throw new ArgumentException($"The key has {key.Length} bytes; it needs at least {LeastKeyLength}.", nameof(key));
        }

        var ownKey = key.ToArray();
        return new ReasoningProtection(
            data => [.. CodeOf(data), .. data],
            data => data.Length >= CodeLength
                && CryptographicOperations.FixedTimeEquals(data.AsSpan(0, CodeLength), CodeOf(data.AsSpan(CodeLength)))
                ? data[CodeLength..]
                : throw new CryptographicException("The data was protected by another key."));

        ReadOnlySpan<byte> CodeOf(ReadOnlySpan<byte> data) => HMACSHA256.HashData(ownKey, data).AsSpan(0, CodeLength);
    }

    internal byte[] Protect(byte[] data) => _protect(data);

    /// <summary>The data, or <see langword="null"/> if it was not protected by this.</summary>
    internal byte[]? Unprotect(byte[] data)
    {
        try
        {
            return _unprotect(data);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
