using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

public sealed unsafe class PagedAttentionKernelTests : IDisposable
{
    private readonly CpuMemory _memory = new();
    private readonly Random _random = new(8);

    public void Dispose() => _memory.Dispose();

    [Theory]
    [InlineData(8, 1, 64, 1, 0)]
    [InlineData(8, 2, 64, 40, 0)]
    [InlineData(9, 1, 64, 40, 3)]
    [InlineData(16, 1, 32, 20, 0)]
    [InlineData(5, 1, 80, 33, 7)]
    [InlineData(6, 3, 32, 100, 61)]
    [InlineData(2, 2, 16, 49, 48)]
    public void Result_is_the_softmax_with_sinks_over_the_visible_positions(int heads, int kvHeads, int headDim, int positions, int first)
    {
        var shape = new AttentionShape(heads, kvHeads, headDim);
        var blockCount = (positions + 15) / 16;
        var firstBlock = first / 16;
        var keys = Poisoned(blockCount * shape.BlockStride);
        var values = Poisoned(blockCount * shape.BlockStride);
        var blocks = _memory.Allocate<int>(blockCount);
        for (var i = firstBlock; i < blockCount; i++)
        {
            blocks[i - firstBlock] = blockCount - 1 - i;
        }

        var k = Gaussians(positions * kvHeads * headDim);
        var v = Gaussians(positions * kvHeads * headDim);
        for (var position = first; position < positions; position++)
        {
            var slot = (blocks[(position / 16) - firstBlock] * 16) + (position % 16);
            for (var head = 0; head < kvHeads; head++)
            {
                var offset = ((position * kvHeads) + head) * headDim;
                PagedAttentionKernel.Write(keys, values, shape, slot, head, k + offset, v + offset);
            }
        }

        var queries = Gaussians(heads * headDim);
        var sinks = Gaussians(heads);
        var result = _memory.Allocate<float>(heads * headDim);
        for (var head = 0; head < kvHeads; head++)
        {
            var offset = head * shape.GroupSize * headDim;
            PagedAttentionKernel.Attend(
                keys, values, shape, blocks, firstBlock, first, positions - 1, head,
                queries + offset, sinks + (head * shape.GroupSize), result + offset);
        }

        for (var i = 0; i < heads * headDim; i++)
        {
            var head = i / headDim;
            double Score(int position) => Enumerable.Range(0, headDim).Sum(
                d => (double)queries[(head * headDim) + d] * k[(((position * kvHeads) + (head / shape.GroupSize)) * headDim) + d]);
            var weights = Enumerable.Range(first, positions - first).ToDictionary(p => p, p => Math.Exp(Score(p)));
            var sum = weights.Values.Sum() + Math.Exp(sinks[head]);
            var expected = weights.Sum(
                w => w.Value / sum * v[(((w.Key * kvHeads) + (head / shape.GroupSize)) * headDim) + (i % headDim)]);
            ((double)result[i]).Should().BeApproximately(expected, 1e-4);
        }
    }

    private float* Gaussians(int count)
    {
        var values = _memory.Allocate<float>(count);
        for (var i = 0; i < count; i++)
        {
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble())) / 2;
        }

        return values;
    }

    // What was never written must not be read into a result.
    private float* Poisoned(int count)
    {
        var values = _memory.Allocate<float>(count);
        new Span<float>(values, count).Fill(float.NaN);
        return values;
    }
}
