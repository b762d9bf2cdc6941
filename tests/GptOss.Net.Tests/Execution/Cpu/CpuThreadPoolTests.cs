using GptOss.Net.Execution.Cpu;

namespace GptOss.Net.Tests.Execution.Cpu;

public sealed class CpuThreadPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_index_runs_once_for_each_body(int threads)
    {
        using var pool = new CpuThreadPool(threads);
        var runs = new int[threads];

        for (var round = 0; round < 50; round++)
        {
            pool.Run(index => Interlocked.Increment(ref runs[index]));
        }

        runs.Should().OnlyContain(count => count == 50);
    }

    [Fact]
    public void A_body_runs_on_as_many_threads_as_are_asked_for()
    {
        using var pool = new CpuThreadPool(5);
        var runs = new int[5];
        foreach (var threads in new[] { 1, 3, 5, 2, 5, 1, 4 })
        {
            pool.Run(
                index =>
                {
                    pool.ActiveCount.Should().Be(threads);
                    pool.Barrier.Wait();
                    Interlocked.Increment(ref runs[index]);
                    pool.Barrier.Wait();
                },
                threads);
        }

        runs.Should().Equal(7, 5, 4, 3, 2);
    }

    [Fact]
    public void Threads_that_are_late_are_waited_for()
    {
        using var pool = new CpuThreadPool(3);
        var runs = 0;
        for (var round = 0; round < 5; round++)
        {
            pool.Run(index =>
            {
                Thread.Sleep(5 * index); // far longer than anybody spins
                pool.Barrier.Wait();
                Thread.Sleep(5 * (2 - index));
                Interlocked.Increment(ref runs);
            });
        }

        runs.Should().Be(15);
    }

    [Fact]
    public void All_who_sleep_at_a_count_are_woken_by_one_that_advances()
    {
        var count = new EventCount();
        for (var round = 0; round < 5; round++)
        {
            var value = count.Value;
            var waiting = new Thread[4];
            for (var i = 0; i < waiting.Length; i++)
            {
                waiting[i] = new Thread(() => count.WaitWhile(value, mostSpins: 1));
                waiting[i].Start();
            }

            Thread.Sleep(2 * round);
            count.Advance();
            waiting.Should().OnlyContain(thread => thread.Join(TimeSpan.FromSeconds(30)));
        }

        count.Value.Should().Be(5);
    }

    [Fact]
    public void The_threads_do_not_keep_what_is_in_the_context_of_whoever_made_them()
    {
        var (pool, loader) = CreateWithContext();
        using (pool)
        {
            for (var collection = 0; collection < 10 && loader.IsAlive; collection++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            loader.IsAlive.Should().BeFalse();
        }

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static (CpuThreadPool Pool, WeakReference Loader) CreateWithContext()
        {
            var local = new AsyncLocal<object?> { Value = new object() };
            var created = (new CpuThreadPool(4), new WeakReference(local.Value));
            local.Value = null;
            return created;
        }
    }

    [Fact]
    public void No_thread_passes_the_barrier_before_all_have_reached_it()
    {
        const int phases = 200;
        using var pool = new CpuThreadPool(4);
        var (arrived, early) = (0, 0);

        pool.Run(_ =>
        {
            for (var phase = 1; phase <= phases; phase++)
            {
                Interlocked.Increment(ref arrived);
                pool.Barrier.Wait();
                if (Volatile.Read(ref arrived) < phase * 4)
                {
                    Interlocked.Increment(ref early);
                }

                pool.Barrier.Wait();
            }
        });

        early.Should().Be(0);
        arrived.Should().Be(phases * 4);
    }

    [Fact]
    public void The_failure_of_one_thread_ends_the_body_of_all_and_the_pool_works_on()
    {
        using var pool = new CpuThreadPool(3);
        var failing = () => pool.Run(index =>
        {
            if (index == 1)
            {
                throw new FormatException("broken");
            }

            pool.Barrier.Wait();
        });

        failing.Should().Throw<FormatException>().WithMessage("broken");

        var runs = 0;
        pool.Run(_ =>
        {
            pool.Barrier.Wait();
            Interlocked.Increment(ref runs);
        });
        runs.Should().Be(3);
    }

    [Fact]
    public void Shares_cover_all_items_without_overlap()
    {
        foreach (var (items, threads) in new[] { (0, 3), (1, 3), (90, 7), (3, 8), (12568, 2) })
        {
            Enumerable.Range(0, threads).SelectMany(thread =>
            {
                var share = WorkShare.Of(items, thread, threads);
                return Enumerable.Range(share.Start, share.Count);
            }).Should().Equal(Enumerable.Range(0, items));
        }
    }
}
