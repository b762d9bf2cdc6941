namespace GptOss.Net.Placement;

/// <summary>Cuts a row of layers into consecutive, non-empty stages at the least total cost.</summary>
internal static class LayerPartition
{
    /// <summary>
    /// The layers behind each stage's last one, ascending, or <see langword="null"/> when every cut costs infinitely much.
    /// </summary>
    /// <param name="layers">The number of layers.</param>
    /// <param name="stages">The number of stages, at most that of the layers.</param>
    /// <param name="cost">The cost of a stage with the layers from the second up to, not including, the third argument.</param>
    public static int[]? Cheapest(int layers, int stages, Func<int, int, int, double> cost)
    {
        // costs[s, end]: the least cost of stages 0 … s when they hold layers 0 … end - 1; starts: where stage s then begins.
        double[,] costs = new double[stages, layers + 1];
        int[,] starts = new int[stages, layers + 1];
        for (int stage = 0; stage < stages; stage++)
        {
            for (int end = stage + 1; end <= layers; end++)
            {
                costs[stage, end] = double.PositiveInfinity;
                int firstStart = stage;
                int lastStart = stage == 0 ? 0 : end - 1;
                for (int start = firstStart; start <= lastStart; start++)
                {
                    double total = cost(stage, start, end) + (stage == 0 ? 0 : costs[stage - 1, start]);
                    if (total < costs[stage, end])
                    {
                        costs[stage, end] = total;
                        starts[stage, end] = start;
                    }
                }
            }
        }

        return double.IsPositiveInfinity(costs[stages - 1, layers]) ? null : Ends(starts, layers, stages);
    }

    private static int[] Ends(int[,] starts, int layers, int stages)
    {
        int[] ends = new int[stages];
        int end = layers;
        for (int stage = stages - 1; stage >= 0; stage--)
        {
            ends[stage] = end;
            end = starts[stage, end];
        }

        return ends;
    }
}
