using System.Text.Json;

namespace GptOss.Net.AspNetCore;

/// <summary>
/// Where responses are kept that may be continued or read later. The default keeps a bounded number in memory; register another one to
/// keep them elsewhere. Called by many threads at once.
/// </summary>
public interface IResponseStore
{
    /// <summary>Keeps a response, in place of one of the same id.</summary>
    /// <param name="response">The response.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>When it is kept.</returns>
    ValueTask SaveAsync(StoredResponse response, CancellationToken cancellationToken);

    /// <summary>A response of a caller; another caller's is not found.</summary>
    /// <param name="caller">Who asks; empty where there are no API keys.</param>
    /// <param name="id">The id of the response.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The response, or <see langword="null"/>.</returns>
    ValueTask<StoredResponse?> FindAsync(string caller, string id, CancellationToken cancellationToken);

    /// <summary>An item of any response of a caller.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="itemId">The id of the item.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The item, or <see langword="null"/>.</returns>
    ValueTask<JsonElement?> FindItemAsync(string caller, string itemId, CancellationToken cancellationToken);

    /// <summary>Forgets a response.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="id">The id of the response.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether it was there.</returns>
    ValueTask<bool> DeleteAsync(string caller, string id, CancellationToken cancellationToken);
}
