using System.Runtime.InteropServices;
using System.Text.Json;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>Keeps responses in memory, bounded in number, bytes and age; the oldest go first.</summary>
internal sealed class MemoryResponseStore(OpenAIServerOptions options, TimeProvider time) : IResponseStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _byId = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _oldestFirst = new();
    private readonly Dictionary<string, JsonElement> _items = new(StringComparer.Ordinal); // by caller and id
    private long _bytes;

    /// <summary>Gets how many are kept.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _byId.Count;
            }
        }
    }

    public ValueTask SaveAsync(StoredResponse response, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Remove(response.Id);
            var own = OwnItems(response).ToList();
            var entry = new Entry(response, own, SizeOf(response.Body) + own.Sum(SizeOf), time.GetTimestamp());
            _byId.Add(response.Id, _oldestFirst.AddLast(entry));
            _bytes += entry.Bytes;
            foreach (var item in own)
            {
                _items[ItemKey(response.Caller, IdOf(item)!)] = item;
            }

            RemoveOldest();
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<StoredResponse?> FindAsync(string caller, string id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            RemoveOldest();
            return ValueTask.FromResult(
                _byId.TryGetValue(id, out var node) && IsOf(node.Value.Response, caller) ? node.Value.Response : null);
        }
    }

    public ValueTask<JsonElement?> FindItemAsync(string caller, string itemId, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            RemoveOldest();
            return ValueTask.FromResult<JsonElement?>(_items.TryGetValue(ItemKey(caller, itemId), out var item) ? item : null);
        }
    }

    public ValueTask<bool> DeleteAsync(string caller, string id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out var node) || !IsOf(node.Value.Response, caller))
            {
                return ValueTask.FromResult(false);
            }

            Remove(id);
            return ValueTask.FromResult(true);
        }
    }

    private void RemoveOldest()
    {
        while (_oldestFirst.First is { } oldest
            && (_byId.Count > options.MaxStoredResponses || _bytes > options.MaxStoredResponseBytes
                || time.GetElapsedTime(oldest.Value.SavedAt) > options.StoredResponseLifetime))
        {
            Remove(oldest.Value.Response.Id);
        }
    }

    private void Remove(string id)
    {
        if (!_byId.Remove(id, out var node))
        {
            return;
        }

        _oldestFirst.Remove(node);
        _bytes -= node.Value.Bytes;
        foreach (var item in node.Value.Items)
        {
            _items.Remove(ItemKey(node.Value.Response.Caller, IdOf(item)!));
        }
    }

    /// <summary>The items that came with this response: the ones before are in the responses before, and shared with them.</summary>
    private static IEnumerable<JsonElement> OwnItems(StoredResponse response)
    {
        var before = response.Context.Count - response.Input.Count - response.Body.GetProperty("output").GetArrayLength();
        return response.Context.Skip(Math.Max(before, 0)).Where(item => IdOf(item) is not null);
    }

    private static bool IsOf(StoredResponse response, string caller) => string.Equals(response.Caller, caller, StringComparison.Ordinal);

    private static string ItemKey(string caller, string id) => $"{caller}/{id}";

    private static string? IdOf(JsonElement item) =>
        item.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String ? id.GetString() : null;

    private static long SizeOf(JsonElement element) => JsonMarshal.GetRawUtf8Value(element).Length;

    private sealed record Entry(StoredResponse Response, IReadOnlyList<JsonElement> Items, long Bytes, long SavedAt);
}
