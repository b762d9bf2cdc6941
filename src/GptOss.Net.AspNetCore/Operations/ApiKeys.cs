using System.Security.Cryptography;
using System.Text;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>Who calls, by the key that a request carries.</summary>
internal sealed class ApiKeys(IEnumerable<string> keys)
{
    /// <summary>Who calls a server without keys.</summary>
    public const string Anyone = "";

    private const string Scheme = "Bearer ";
    private const int CallerLength = 16;

    // Hashes of equal length, so that comparing them tells nothing of a key.
    private readonly byte[][] _hashes = [.. keys.Select(key => SHA256.HashData(Encoding.UTF8.GetBytes(key)))];

    /// <summary>The caller: a part of the hash of its key. Throws if a key is needed and this is none.</summary>
    public string Identify(HttpRequest request)
    {
        if (_hashes.Length == 0)
        {
            return Anyone;
        }

        var found = -1;
        if (KeyOf(request) is { } key)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
            for (var i = 0; i < _hashes.Length; i++)
            {
                if (CryptographicOperations.FixedTimeEquals(hash, _hashes[i]))
                {
                    found = i;
                }
            }
        }

        return found >= 0
            ? Convert.ToHexStringLower(_hashes[found])[..CallerLength]
            : throw RequestError.Status4xx(
                StatusCodes.Status401Unauthorized,
                "This server needs an API key: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.",
                "invalid_api_key");
    }

    private static string? KeyOf(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization[Scheme.Length..].Trim()
            : request.Headers["x-api-key"] is [{ } key] ? key
            : null;
    }
}
