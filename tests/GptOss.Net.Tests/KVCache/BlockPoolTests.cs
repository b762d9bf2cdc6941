using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.KVCache;

public class BlockPoolTests
{
    [Fact]
    public void A_new_pool_has_all_blocks_free()
    {
        var pool = new BlockPool(3);

        pool.FreeCount.Should().Be(3);
        pool.UsedCount.Should().Be(0);
        pool.FreeBlocks().Should().Equal(0, 1, 2);
    }

    [Fact]
    public void The_block_that_was_released_first_is_allocated_first()
    {
        var pool = new BlockPool(3);
        int[] blocks = [pool.Allocate(), pool.Allocate(), pool.Allocate()];
        pool.Release(blocks[1]);
        pool.Release(blocks[0]);

        pool.Allocate().Should().Be(blocks[1]);
        pool.Allocate().Should().Be(blocks[0]);
    }

    [Fact]
    public void A_shared_block_is_free_after_its_last_release()
    {
        var pool = new BlockPool(1);
        int block = pool.Allocate();
        pool.AddReference(block);

        pool.Release(block);
        pool.FreeCount.Should().Be(0);
        pool.Release(block);
        pool.FreeCount.Should().Be(1);
    }

    [Fact]
    public void Allocating_from_an_empty_pool_is_an_error()
    {
        var pool = new BlockPool(1);
        pool.Allocate();

        pool.Invoking(p => p.Allocate()).Should().Throw<InvalidOperationException>().WithMessage("All 1 blocks are in use.");
    }

    [Fact]
    public void Releasing_a_block_twice_is_an_error()
    {
        var pool = new BlockPool(1);
        int block = pool.Allocate();
        pool.Release(block);

        pool.Invoking(p => p.Release(block)).Should().Throw<InvalidOperationException>().WithMessage("Block 0 is free*");
    }

    [Fact]
    public void Sharing_a_free_block_is_an_error()
    {
        var pool = new BlockPool(1);

        pool.Invoking(p => p.AddReference(0)).Should().Throw<InvalidOperationException>().WithMessage("Block 0 is free*");
    }

    [Fact]
    public void Blocks_that_were_never_used_are_counted_and_left_alone_while_worthless_ones_are_free()
    {
        var pool = new BlockPool(8);
        int[] blocks = [pool.Allocate(), pool.Allocate(), pool.Allocate()];
        pool.Release(blocks[1], isWorthless: true);
        pool.Release(blocks[0], isWorthless: true);

        pool.Allocate();
        pool.Allocate();
        pool.TouchedCount.Should().Be(3);

        pool.Allocate();
        pool.TouchedCount.Should().Be(4);
    }

    [Fact]
    public void Blocks_never_used_are_left_alone_while_more_are_idle_than_are_to_be_kept()
    {
        var pool = new BlockPool(8, mostIdle: 2);
        int[] blocks = [pool.Allocate(), pool.Allocate(), pool.Allocate()];
        Array.ForEach(blocks, block => pool.Release(block));

        pool.Allocate().Should().Be(blocks[0], "three are idle, and this one for longest");
        pool.TouchedCount.Should().Be(3);
        pool.Allocate().Should().Be(3, "two are kept");
    }

    [Fact]
    public void With_few_idle_blocks_every_block_is_handed_out_once()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var pool = new BlockPool(random.Next(1, 20), mostIdle: random.Next(0, 6));
            var held = new List<int>();
            for (var i = 0; i < 200; i++)
            {
                if (pool.FreeCount > 0 && random.Next(2) == 0)
                {
                    var block = pool.Allocate();
                    held.Should().NotContain(block);
                    held.Add(block);
                    pool.TouchedCount.Should().BeGreaterThan(block);
                }
                else if (held.Count > 0)
                {
                    var index = random.Next(held.Count);
                    pool.Release(held[index], isWorthless: random.Next(3) == 0);
                    held.RemoveAt(index);
                }

                pool.FreeBlocks().Concat(held).Order().SequenceEqual(Enumerable.Range(0, pool.BlockCount)).Should().BeTrue();
            }
        }
    }

    [Fact]
    public void Operations_allocate_no_memory()
    {
        var pool = new BlockPool(8);
        pool.Release(pool.Allocate());

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            int block = pool.Allocate();
            pool.AddReference(block);
            pool.Release(block);
            pool.Release(block);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }
}
