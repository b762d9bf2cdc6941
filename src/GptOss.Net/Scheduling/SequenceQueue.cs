using System.Collections;

namespace GptOss.Net.Scheduling;

/// <summary>Sequences in an order that does not change while they are in the queue.</summary>
internal sealed class SequenceQueue(Comparison<Sequence> order) : IReadOnlyList<Sequence>
{
    private readonly List<Sequence> _sequences = [];

    public int Count => _sequences.Count;

    public Sequence this[int index] => _sequences[index];

    /// <summary>Adds a sequence in its place, most often the last one.</summary>
    public void Add(Sequence sequence)
    {
        var index = _sequences.Count;
        while (index > 0 && order(_sequences[index - 1], sequence) > 0)
        {
            index--;
        }

        _sequences.Insert(index, sequence);
    }

    public bool Remove(Sequence sequence) => _sequences.Remove(sequence);

    public IEnumerator<Sequence> GetEnumerator() => _sequences.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
