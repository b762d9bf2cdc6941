using CsCheck;

namespace GptOss.Net.Tests.KVCache;

public class PagedKVCacheModelTests
{
    private const int Seeds = 10;
    private const int OperationsPerSeed = 1_000_000;
    private const int OperationsPerRun = 500;

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
}
