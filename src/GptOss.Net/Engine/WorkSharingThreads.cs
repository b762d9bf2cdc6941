namespace GptOss.Net.Engine;

/// <summary>
/// A few threads that share out items of work with their caller. None is waited for that comes late: others take its items.
/// </summary>
/// <remarks>One caller at a time. The threads start with the first work and sleep between; nothing is allocated for it.</remarks>
internal sealed class WorkSharingThreads(int count, string name) : IDisposable
{
    private readonly object _gate = new();
    private Thread[] _threads = [];
    private Action<int, int>? _work;
    private int _round;
    private int _untaken; // items; negative once all are taken
    private int _unfinished;
    private bool _isStopping;

    /// <summary>Gets how many threads take part, the caller's included.</summary>
    public int Count => count;

    /// <summary>Calls <paramref name="work"/> for every item, with the index of the thread; returns when all are done.</summary>
    /// <param name="items">How many there are.</param>
    /// <param name="work">Must not throw.</param>
    public void Run(int items, Action<int, int> work)
    {
        Start();
        lock (_gate)
        {
            _work = work;
            _unfinished = items;
            Volatile.Write(ref _untaken, items); // last: whoever takes an item sees the rest
            _round++;
            Monitor.PulseAll(_gate);
        }

        TakeItems(0);
        var wait = new SpinWait();
        while (Volatile.Read(ref _unfinished) > 0)
        {
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Monitor.PulseAll(_gate);
        }

        Array.ForEach(_threads, static thread => thread.Join());
    }

    private void Start()
    {
        if (_threads.Length > 0 || count == 1)
        {
            return;
        }

        _threads = new Thread[count - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var index = i + 1;
            _threads[i] = new Thread(() => Work(index)) { IsBackground = true, Name = $"{name} {index}" };

            // Unsafe: without the caller's context, which would live on here.
            _threads[i].UnsafeStart();
        }
    }

    private void Work(int index)
    {
        for (var round = 0; WaitForNext(ref round);)
        {
            TakeItems(index);
        }
    }

    private bool WaitForNext(ref int round)
    {
        lock (_gate)
        {
            while (_round == round && !_isStopping)
            {
                Monitor.Wait(_gate);
            }

            round = _round;
            return !_isStopping;
        }
    }

    private void TakeItems(int index)
    {
        while (Interlocked.Decrement(ref _untaken) is var item and >= 0)
        {
            _work!(item, index);
            Interlocked.Decrement(ref _unfinished);
        }
    }
}
