using System.Diagnostics.CodeAnalysis;

namespace GptOss.Net.StructuredOutput;

/// <summary>A cache with a bound in bytes that gives up what was used least recently. Safe for use by several threads.</summary>
internal sealed class LeastRecentlyUsed<TKey, TValue>(long capacity)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value, long Size)>> _entries = [];
    private readonly LinkedList<(TKey Key, TValue Value, long Size)> _byUse = [];
    private long _size;

    /// <summary>The bytes in use.</summary>
    public long Size
    {
        get
        {
            lock (_lock)
            {
                return _size;
            }
        }
    }

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                value = default;
                return false;
            }

            _byUse.Remove(entry);
            _byUse.AddFirst(entry);
            value = entry.Value.Value;
            return true;
        }
    }

    /// <summary>Adds a value, unless its key is there already or it is larger than the whole cache.</summary>
    public void Add(TKey key, TValue value, long size)
    {
        lock (_lock)
        {
            if (size > capacity || _entries.ContainsKey(key))
            {
                return;
            }

            _entries.Add(key, _byUse.AddFirst((key, value, size)));
            _size += size;
            while (_size > capacity)
            {
                var oldest = _byUse.Last!;
                _byUse.RemoveLast();
                _entries.Remove(oldest.Value.Key);
                _size -= oldest.Value.Size;
            }
        }
    }
}
