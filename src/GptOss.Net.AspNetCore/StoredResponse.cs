using System.Text.Json;

namespace GptOss.Net.AspNetCore;

/// <summary>A response that is kept.</summary>
public sealed record StoredResponse
{
    /// <summary>Gets whose it is: a part of the hash of an API key; empty where there are none.</summary>
    public required string Caller { get; init; }

    /// <summary>Gets its id.</summary>
    public required string Id { get; init; }

    /// <summary>Gets its status, such as <c>completed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Gets the response as clients get it.</summary>
    public required JsonElement Body { get; init; }

    /// <summary>Gets the items that it was asked with.</summary>
    public required IReadOnlyList<JsonElement> Input { get; init; }

    /// <summary>Gets the items of the whole conversation up to and with its output, for its continuation.</summary>
    public required IReadOnlyList<JsonElement> Context { get; init; }
}
