using CsCheck;

namespace GptOss.Net.Tests.KVCache;

public class PagedKVCacheModelTests
{
    private const int Seeds = 10;
    private const int OperationsPerRun = 500;

    // A million take all cores a minute.
    private static readonly int OperationsPerSeed = LongTests.Enabled ? 1_000_000 : LongTests.IsBuildServer ? 200_000 : 50_000;

    private static readonly Gen<CacheOperation> Operation = Gen.Select(
        Gen.Frequency(
            (30, Gen.Const(CacheOperationKind.Start)),
            (120, Gen.Const(CacheOperationKind.Compute)),
            (20, Gen.Const(CacheOperationKind.Fork)),
            (10, Gen.Const(CacheOperationKind.Preempt)),
            (20, Gen.Const(CacheOperationKind.Finish)),
            (1, Gen.Const(CacheOperationKind.Forget))),
        Gen.Int[0, 7],
        Gen.Frequency((2, Gen.Const(1)), (1, Gen.Int[1, 70])),
        (kind, target, tokens) => new CacheOperation(kind, target, tokens));

    /// <summary>Shrinks to the shortest failing sequence of operations.</summary>
    [Fact]
    public void Every_sequence_finds_its_own_tokens_after_any_operations() =>
        Gen.Select(Operation.Array[200], Gen.Int[4, 40], Gen.Int[4, 40], Gen.Int[1, 100]).Sample(
            (operations, fullBlocks, slidingBlocks, window) =>
            {
                var model = new PagedKVCacheModel(fullBlocks, slidingBlocks, window);
                Array.ForEach(operations, model.Apply);
                model.FinishAll();
            },
            iter: LongTests.Scale(500));

    /// <summary>Deterministic: ten seeds usually, a hundred in a long run.</summary>
    [Fact]
    public void Every_sequence_finds_its_own_tokens_after_very_many_operations()
    {
        var hits = 0;
        Parallel.For(0, LongTests.Cases(Seeds, 10 * Seeds), seed =>
        {
            var random = new Random(seed);
            for (var operations = 0; operations < OperationsPerSeed; operations += OperationsPerRun)
            {
                var model = new PagedKVCacheModel(random.Next(4, 41), random.Next(4, 41), random.Next(1, 101));
                for (var i = 0; i < OperationsPerRun; i++)
                {
                    model.Apply(RandomOperation(random));
                }

                model.FinishAll();
                Interlocked.Add(ref hits, model.HitBlocks);
            }
        });

        hits.Should().BePositive();
    }

    private static CacheOperation RandomOperation(Random random)
    {
        var kind = random.Next(200) switch
        {
            < 30 => CacheOperationKind.Start,
            < 149 => CacheOperationKind.Compute,
            < 169 => CacheOperationKind.Fork,
            < 179 => CacheOperationKind.Preempt,
            < 199 => CacheOperationKind.Finish,
            _ => CacheOperationKind.Forget,
        };
        return new CacheOperation(kind, random.Next(8), random.Next(3) > 0 ? 1 : random.Next(1, 71));
    }
}
