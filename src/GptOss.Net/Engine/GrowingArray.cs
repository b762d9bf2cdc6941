namespace GptOss.Net.Engine;

/// <summary>An array that is filled anew for each step and only grows.</summary>
internal sealed class GrowingArray<T>
{
    private T[] _items = [];

    public int Count { get; private set; }

    /// <summary>Gets what was added since <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<T> Items => _items.AsMemory(0, Count);

    public void Clear()
    {
        _items.AsSpan(0, Count).Clear(); // so that it does not keep alive what it refers to
        Count = 0;
    }

    public void Add(T item) => Extend(1)[0] = item;

    /// <summary>Adds room for so many items, which the caller writes.</summary>
    public Span<T> Extend(int count)
    {
        if (Count + count > _items.Length)
        {
            Array.Resize(ref _items, Math.Max(Count + count, 2 * _items.Length));
        }

        Count += count;
        return _items.AsSpan(Count - count, count);
    }
}
