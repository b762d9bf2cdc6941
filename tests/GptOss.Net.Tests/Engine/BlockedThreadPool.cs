namespace GptOss.Net.Tests.Engine;

/// <summary>A process whose thread pool is busy with jobs that block; until they are let go, the pool begins nothing else.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class BlockedThreadPool
{
    public const string Name = "Tests that block the thread pool";

    private const int Jobs = 200; // more than the pool adds threads while a test runs

    /// <summary>Runs a test on a thread of its own while the pool is blocked; fails when the test waits for the pool.</summary>
    internal static void Run(Action test)
    {
        using var release = new ManualResetEventSlim();
        using var left = new CountdownEvent(Jobs);
        for (var i = 0; i < Jobs; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => Block(), null);
        }

        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(test)) { IsBackground = true };
        thread.Start();
        var hasEnded = thread.Join(TimeSpan.FromSeconds(60));
        var wasBlocked = left.CurrentCount > 0 && !release.IsSet;
        release.Set();
        left.Wait(TestContext.Current.CancellationToken);
        thread.Join();

        wasBlocked.Should().BeTrue();
        hasEnded.Should().BeTrue("nothing that it does waits for the pool");
        failure.Should().BeNull();

        void Block()
        {
            release.Wait();
            left.Signal();
        }
    }
}
