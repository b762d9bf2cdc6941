using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The expert half of a transformer block, from the residual stream to the residual stream; called by every thread.</summary>
internal sealed unsafe class CpuExperts(ModelConfig config)
{
    // A row group has 16 gates and their ups; as many make one block of gated activations.
    private const int UnitGroups = 2;

    // What reading and decoding a row group costs, in rows of activations multiplied with it.
    private const int DecodeCost = 4;

    private readonly int _units = RowGroup.Blocks(config.IntermediateSize);

    public void Run(CpuStep step, CpuLayer layer, int thread)
    {
        NormalizeAndRoute(step, layer, thread);
        step.EndPhase();
        if (thread == 0)
        {
            Sort(step);
        }

        step.EndPhase();
        GateUp(step, layer, thread);
        step.EndPhase();
        Down(step, layer, thread);
        step.EndPhase();
    }

    private void NormalizeAndRoute(CpuStep step, CpuLayer layer, int thread)
    {
        var space = step.Workspace;
        var share = step.Share(step.Batch.TokenCount, thread);
        for (var token = share.Start; token < share.End; token++)
        {
            step.Normalize(config, layer.MlpNorm, token, space.MlpInput, token);
        }

        for (var first = share.Start; first < share.End; first += CpuWorkspace.TileTokens)
        {
            Route(space, layer.Router, first, Math.Min(CpuWorkspace.TileTokens, share.End - first), thread);
        }
    }

    private void Route(CpuWorkspace space, CpuMatrix router, int first, int count, int thread)
    {
        var (sums, logits) = ((nint)space.Sums[thread], (nint)space.RouterLogits[thread]);
        var stride = router.Groups * RowGroup.Rows;
        for (var group = 0; group < router.Groups; group++)
        {
            router.Multiply(ActivationFormat.Float32, group, space.RouterInput + first, count, (float*)sums);
            var bias = router.Bias + (group * RowGroup.Rows);
            for (var i = 0; i < count; i++)
            {
                var sum = (float*)sums + (i * RowGroup.Rows);
                var target = (float*)logits + (i * stride) + (group * RowGroup.Rows);
                Vector512.Store(Vector512.Load(sum) + Vector512.Load(bias), target);
                Vector512.Store(
                    Vector512.Load(sum + RowGroup.HalfRows) + Vector512.Load(bias + RowGroup.HalfRows), target + RowGroup.HalfRows);
            }
        }

        for (var i = 0; i < count; i++)
        {
            var choices = new ReadOnlySpan<float>((float*)logits + (i * stride), config.ExpertCount);
            RouterKernel.Select(choices, space.Routing.Experts(first + i), space.Routing.Weights(first + i));
        }
    }

    private static void Sort(CpuStep step)
    {
        var space = step.Workspace;
        space.Routing.Sort(step.Batch.TokenCount);
        for (var slot = 0; slot < space.Routing.Start(space.Routing.ExpertCount); slot++)
        {
            space.SlotInput[slot] = space.MlpInput.Rows[space.Routing.Token(slot)];
        }
    }

    /// <summary>Gated activations; the units of all experts are laid end to end, by their cost, and cut into equal parts.</summary>
    private void GateUp(CpuStep step, CpuLayer layer, int thread)
    {
        var routing = step.Workspace.Routing;
        var total = 0L;
        for (var expert = 0; expert < config.ExpertCount; expert++)
        {
            total += Cost(routing, expert) * _units;
        }

        var (low, high) = (total * thread / step.ThreadCount, total * (thread + 1) / step.ThreadCount);
        var start = 0L;
        for (var expert = 0; expert < config.ExpertCount; expert++)
        {
            var cost = Cost(routing, expert);
            if (cost == 0)
            {
                continue;
            }

            var units = new WorkShare(FirstUnit(low), FirstUnit(high));
            GateUp(step.Workspace, layer.GateUp[expert], units, routing.Start(expert), routing.Start(expert + 1), thread);
            start += cost * _units;

            // The first unit that begins at or after a place in the whole.
            int FirstUnit(long place) => (int)Math.Clamp((place - start + cost - 1) / cost, 0, _units);
        }
    }

    private static long Cost(ExpertRouting routing, int expert)
    {
        var slots = routing.Start(expert + 1) - routing.Start(expert);
        return slots == 0 ? 0 : slots + DecodeCost;
    }

    private void GateUp(CpuWorkspace space, CpuMatrix matrix, WorkShare units, int firstSlot, int endSlot, int thread)
    {
        var sums = space.Sums[thread];
        var stride = space.SumsStride;
        var gated = space.Gated;
        for (var first = firstSlot; first < endSlot; first += CpuWorkspace.TileTokens)
        {
            var tile = Math.Min(CpuWorkspace.TileTokens, endSlot - first);
            for (var unit = units.Start; unit < units.End; unit++)
            {
                for (var group = 0; group < UnitGroups; group++)
                {
                    matrix.Multiply(
                        space.MlpInput.Format, (unit * UnitGroups) + group, space.SlotInput + first, tile, sums + (group * stride));
                }

                var bias = matrix.Bias + (unit * UnitGroups * RowGroup.Rows);
                for (var i = 0; i < tile; i++)
                {
                    var row = sums + (i * RowGroup.Rows);
                    ActivationRow.EncodeBlock(
                        gated.Format, Activate(row, bias), Activate(row + stride, bias + RowGroup.Rows), gated.Rows[first + i], unit);
                }
            }
        }
    }

    private Vector512<float> Activate(float* sums, float* bias) =>
        SwiGluKernel.Activate(
            Vector512.Load(sums) + Vector512.Load(bias),
            Vector512.Load(sums + RowGroup.HalfRows) + Vector512.Load(bias + RowGroup.HalfRows),
            (float)config.SwiGluLimit);

    /// <summary>A thread takes its columns of the residual stream from every expert, lowest first: the order of a token's sum.</summary>
    private void Down(CpuStep step, CpuLayer layer, int thread)
    {
        var (space, routing) = (step.Workspace, step.Workspace.Routing);
        for (var expert = 0; expert < config.ExpertCount; expert++)
        {
            var (firstSlot, endSlot) = (routing.Start(expert), routing.Start(expert + 1));
            for (var first = firstSlot; first < endSlot; first += CpuWorkspace.TileTokens)
            {
                var tile = Math.Min(CpuWorkspace.TileTokens, endSlot - first);
                Down(space, layer.Down[expert], step.Share(layer.Down[expert].Groups, thread), first, tile, space.Sums[thread]);
            }
        }
    }

    private static void Down(CpuWorkspace space, CpuMatrix matrix, WorkShare groups, int first, int tile, float* sums)
    {
        var routing = space.Routing;
        for (var group = groups.Start; group < groups.End; group++)
        {
            matrix.Multiply(space.Gated.Format, group, space.Gated.Rows + first, tile, sums);
            var column = group * RowGroup.Rows;
            for (var i = 0; i < tile; i++)
            {
                var target = space.Residual + ((long)routing.Token(first + i) * space.HiddenStride) + column;
                var row = sums + (i * RowGroup.Rows);
                var weight = Vector512.Create(routing.Weight(first + i));
                for (var half = 0; half < RowGroup.Rows; half += RowGroup.HalfRows)
                {
                    var result = Vector512.Load(row + half) + Vector512.Load(matrix.Bias + column + half);
                    Vector512.Store(Vector512.FusedMultiplyAdd(result, weight, Vector512.Load(target + half)), target + half);
                }
            }
        }
    }
}
