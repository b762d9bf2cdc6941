using System.Collections;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Execution;

/// <summary>
/// The block copies of a step, which every stage reads before it computes the step: a place to see which stage is where, and to hold it
/// there.
/// </summary>
/// <param name="onVisit">What happens when a stage begins the step; the first stage has number 0.</param>
/// <param name="copies">The copies.</param>
internal sealed class StageVisits(Action<int> onVisit, params BlockCopy[] copies) : IReadOnlyList<BlockCopy>
{
    private int _visits;

    public int Count => copies.Length;

    public BlockCopy this[int index] => copies[index];

    public IEnumerator<BlockCopy> GetEnumerator()
    {
        onVisit(_visits++);
        return copies.AsEnumerable().GetEnumerator();
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
