using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Execution.Cpu;

/// <summary>The CPU executor against the official implementation, and against itself.</summary>
public sealed class CpuExecutorTests
{
    private static readonly KVCacheCapacity Capacity = new(64, 64);

    [Theory]
    [InlineData("a", 512, 1)]
    [InlineData("a", 1, 2)]
    [InlineData("a", 64, 3)]
    [InlineData("b", 512, 2)]
    [InlineData("b", 7, 1)]
    [InlineData("a-awq", 512, 2)]
    [InlineData("a-awq", 7, 3)]
    public void Exact_logits_are_the_official_ones(string model, int maxStepTokens, int threads)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, CpuExecutorOptions.Exact with { Threads = threads });

        foreach (var expected in fixture.Cases)
        {
            var logits = Driver(fixture, executor, maxStepTokens).Logits(expected.InputIds)[0];

            ModelFixture.RelativeError(logits, expected.Logits).Should().BeLessThan(1e-4);
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void Exact_logits_are_those_of_the_reference_executor_in_float32(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, CpuExecutorOptions.Exact with { Threads = 2 });
        using var reference = LoadedExecutors.Load(fixture);
        var referenceDriver = new ExecutorDriver(reference, LoadedExecutors.Capacity, fixture.Config.SlidingWindow, maxStepTokens: 512);
        foreach (var prompt in fixture.Cases.Select(expected => expected.InputIds))
        {
            var logits = Driver(fixture, executor, maxStepTokens: 64).Logits(prompt)[0];

            ModelFixture.RelativeError(logits, referenceDriver.Logits(prompt)[0]).Should().BeLessThan(1e-4);
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Exact_greedy_tokens_are_the_official_ones(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, CpuExecutorOptions.Exact with { Threads = 2 });
        var prompts = fixture.Cases.Select(expected => expected.InputIds).ToArray();

        var greedy = Driver(fixture, executor, maxStepTokens: 40).Greedy(32, prompts);

        for (var i = 0; i < greedy.Length; i++)
        {
            greedy[i].Should().Equal(fixture.Cases[i].Greedy);
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Quantized_logits_are_about_as_far_off_as_the_official_bfloat16_ones(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, CpuExecutorOptions.Fast with { Threads = 2 });
        var (ours, official) = (new List<double>(), new List<double>());
        foreach (var expected in fixture.Cases)
        {
            var logits = Driver(fixture, executor, maxStepTokens: 512).Logits(expected.InputIds)[0];
            ours.AddRange(RowErrors(fixture, logits, expected.Logits));
            official.AddRange(RowErrors(fixture, expected.BFloat16Logits!, expected.Logits));
        }

        Median(ours).Should().BeLessThan(2 * Median(official));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("a-awq")]
    public void Quantized_most_probable_tokens_are_the_official_ones_where_the_lead_exceeds_the_error(string model)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, CpuExecutorOptions.Fast with { Threads = 2 });
        var (sure, vocabulary) = (0, fixture.Config.VocabularySize);
        foreach (var expected in fixture.Cases)
        {
            var logits = Driver(fixture, executor, maxStepTokens: 512).Logits(expected.InputIds)[0];
            for (var start = 0; start < logits.Length; start += vocabulary)
            {
                var (row, official) = (logits.AsSpan(start, vocabulary).ToArray(), expected.Logits.AsSpan(start, vocabulary).ToArray());
                var ranked = official.OrderDescending().Take(2).ToArray();
                var deviation = Math.Sqrt(row.Zip(official, (x, y) => Math.Pow(x - y, 2)).Average());
                if (ranked[0] - ranked[1] > 4 * deviation)
                {
                    Array.IndexOf(row, row.Max()).Should().Be(Array.IndexOf(official, ranked[0]));
                    sure++;
                }
            }
        }

        sure.Should().BeGreaterThan(30);
    }

    public static TheoryData<string, bool> Modes => new()
    {
        { "a", false }, { "a", true }, { "b", false }, { "b", true }, { "a-awq", true },
    };

    [Theory]
    [MemberData(nameof(Modes))]
    public void Results_do_not_depend_on_the_number_of_threads(string model, bool fast)
    {
        using var fixture = new ModelFixture(model);
        var prompt = fixture.Cases[^1].InputIds;
        int[] counts = [1, 2, 3, 7];
        var results = counts.Select(threads =>
        {
            using var executor = Load(fixture, Options(fast) with { Threads = threads });
            return Driver(fixture, executor, maxStepTokens: 512).Logits(prompt)[0];
        }).ToArray();

        results.Should().AllSatisfy(result => result.Should().Equal(results[0]));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Results_do_not_depend_on_the_batch_or_on_chunks(string model, bool fast)
    {
        using var fixture = new ModelFixture(model);
        using var executor = Load(fixture, Options(fast) with { Threads = 2 });
        var prompts = fixture.Cases.Select(expected => expected.InputIds).ToArray();

        var alone = prompts.Select(prompt => Driver(fixture, executor, maxStepTokens: 512).Logits(prompt)[0]).ToArray();

        int[] limits = [13, 100, 512];
        foreach (var maxStepTokens in limits)
        {
            var together = Driver(fixture, executor, maxStepTokens).Logits(prompts);
            for (var i = 0; i < prompts.Length; i++)
            {
                together[i].Should().Equal(alone[i]);
            }
        }
    }

    [Fact]
    public void A_step_allocates_nothing_once_buffers_have_grown()
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, CpuExecutorOptions.Fast with { Threads = 1 });
        int[] slots = [0, 20];
        int[] starts = [0, 2];
        int[] blocks = [0, 1];
        var tables = new BlockTables(slots, starts, blocks, new int[1]);
        var batch = new StepBatch
        {
            TokenIds = new[] { 5, 6 },
            Positions = slots,
            SequenceStarts = starts,
            ContextLengths = new[] { 21 },
            Full = tables,
            Sliding = tables,
            LogitsRows = blocks,
            Rows = new RowSampling[2],
        };
        Run();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10; i++)
        {
            Run();
        }

        GC.GetAllocatedBytesForCurrentThread().Should().Be(before);

        void Run()
        {
            executor.Begin(batch);
            executor.Complete();
        }
    }

    [Fact]
    public void Steps_are_begun_and_completed_in_turn()
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, CpuExecutorOptions.Exact with { Threads = 1 });
        var batch = new PackedSequence([1, 2, 3], [0], [0]).Step(0, 3);
        executor.Begin(batch);

        executor.Invoking(e => e.Begin(batch)).Should().Throw<InvalidOperationException>();
        executor.Complete();
        executor.Invoking(e => e.Complete()).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void A_failing_step_fails_when_it_is_completed_and_the_next_one_works()
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, CpuExecutorOptions.Exact with { Threads = 2 });
        var batch = new PackedSequence([1, 2, 3], [0], [0]).Step(0, 3);
        executor.Begin(batch);
        var expected = executor.Complete().Logits.ToArray();

        executor.Begin(batch with { Positions = default });
        executor.Invoking(e => e.Complete()).Should().Throw<IndexOutOfRangeException>();
        executor.CanContinue().Should().BeTrue();
        executor.Begin(batch);
        executor.Complete().Logits.ToArray().Should().Equal(expected);
    }

    [Fact]
    public void An_int4_output_projection_changes_the_logits_only_a_little()
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, CpuExecutorOptions.Exact with { UnembeddingInt4 = true, Threads = 2 });
        var expected = fixture.Cases[^1];

        var logits = Driver(fixture, executor, maxStepTokens: 512).Logits(expected.InputIds)[0];

        ModelFixture.RelativeError(logits, expected.Logits).Should().BeInRange(0.01, 0.12);
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void Logits_of_more_rows_than_sequences_decode_are_not_kept(int rows, bool areKept)
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, CpuExecutorOptions.Fast with { Threads = 1 });
        int[] blocks = [.. Enumerable.Range(0, PagedKVCache.BlockCount(rows))];
        var step = new PackedSequence([.. Enumerable.Range(0, rows)], blocks, blocks).Step(0, rows);

        var logits = Compute();

        GC.Collect();
        logits.IsAlive.Should().Be(areKept);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        WeakReference Compute()
        {
            executor.Begin(step);
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray<float>(executor.Complete().Logits, out var array).Should().BeTrue();
            return new WeakReference(array.Array);
        }
    }

    [Fact]
    public void A_cancelled_load_ends_with_the_cancellation()
    {
        using var fixture = new ModelFixture("a");
        using var cancellation = new CancellationTokenSource();
        var progress = new WeightReadProgress(1, (_, _) => cancellation.Cancel(), cancellation.Token);

        var load = () => CpuExecutor.Load(fixture.Config, fixture.Weights, Capacity, CpuExecutorOptions.Fast, progress);

        load.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void Progress_reaches_the_bytes_of_the_checkpoint()
    {
        using var fixture = new ModelFixture("a");
        var largest = 0L;
        var progress =
            new WeightReadProgress(fixture.Weights.ByteLength, (read, _) => InterlockedMax(ref largest, read), CancellationToken.None);

        CpuExecutor.Load(fixture.Config, fixture.Weights, Capacity, CpuExecutorOptions.Fast, progress).Dispose();

        largest.Should().Be(fixture.Weights.ByteLength);
    }

    [Fact]
    public void Heads_without_a_kernel_are_refused_with_their_size()
    {
        using var fixture = new ModelFixture("a");

        var load = () => CpuExecutor.Load(
            fixture.Config with { HeadDim = 24 }, fixture.Weights, Capacity, CpuExecutorOptions.Fast,
            new WeightReadProgress(1, (_, _) => { }, default));

        load.Should().Throw<NotSupportedException>().WithMessage("*24*");
    }

    private static CpuExecutorOptions Options(bool fast) => fast ? CpuExecutorOptions.Fast : CpuExecutorOptions.Exact;

    private static CpuExecutor Load(ModelFixture fixture, CpuExecutorOptions options) =>
        CpuExecutor.Load(
            fixture.Config,
            fixture.Weights,
            Capacity,
            options with { LeastThreadWork = 1 }, // all threads take part in models however small
            new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));

    private static ExecutorDriver Driver(ModelFixture fixture, CpuExecutor executor, int maxStepTokens) =>
        new(executor, Capacity, fixture.Config.SlidingWindow, maxStepTokens);

    private static IEnumerable<double> RowErrors(ModelFixture fixture, float[] logits, float[] expected) =>
        Enumerable.Range(0, logits.Length / fixture.Config.VocabularySize).Select(row =>
        {
            var range = new Range(row * fixture.Config.VocabularySize, (row + 1) * fixture.Config.VocabularySize);
            return ModelFixture.RelativeError(logits.AsSpan(range), expected.AsSpan(range));
        });

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static void InterlockedMax(ref long target, long value)
    {
        var seen = Interlocked.Read(ref target);
        while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is var now && now != seen)
        {
            seen = now;
        }
    }
}
