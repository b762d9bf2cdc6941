namespace Replicas;

/// <summary>Which replica stored a response: only that one can continue it. Bounded; the oldest go first.</summary>
internal sealed class ResponsePlaces
{
    private const int Most = 100_000;

    private readonly Dictionary<string, string> _places = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly Lock _lock = new();

    public void Add(string responseId, string destination)
    {
        lock (_lock)
        {
            if (_places.TryAdd(responseId, destination))
            {
                _order.Enqueue(responseId);
            }

            if (_order.Count > Most)
            {
                _places.Remove(_order.Dequeue());
            }
        }
    }

    public string? Find(string responseId)
    {
        lock (_lock)
        {
            return _places.GetValueOrDefault(responseId);
        }
    }
}
