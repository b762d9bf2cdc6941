namespace GptOss.Net.AspNetCore.Operations;

/// <summary>
/// The reasoning before recent calls. Many clients of chat completions send calls back without it, and the model goes on better where it
/// finds it. Bounded; the oldest go first. Thread-safe.
/// </summary>
internal sealed class ReasoningMemory(int most)
{
    private const int MaxCharacters = 8 << 20; // of all texts together

    private readonly Dictionary<(string Caller, string CallId), string> _texts = [];
    private readonly Queue<(string Caller, string CallId)> _order = new();
    private readonly Lock _lock = new();
    private long _characters;

    /// <summary>Keeps the reasoning of a call, unless that call is known.</summary>
    public void Remember(string caller, string callId, string reasoning)
    {
        lock (_lock)
        {
            if (most == 0 || reasoning.Length == 0 || !_texts.TryAdd((caller, callId), reasoning))
            {
                return;
            }

            _order.Enqueue((caller, callId));
            _characters += reasoning.Length;
            while (_order.Count > most || _characters > MaxCharacters)
            {
                _texts.Remove(_order.Dequeue(), out var oldest);
                _characters -= oldest!.Length;
            }
        }
    }

    /// <summary>The reasoning before a call of the same caller, if it is still known.</summary>
    public string? Recall(string caller, string callId)
    {
        lock (_lock)
        {
            return _texts.GetValueOrDefault((caller, callId));
        }
    }
}
