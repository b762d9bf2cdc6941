namespace GptOss.Net.Execution.Cuda;

/// <content>What the exchange takes, for the plan.</content>
internal sealed unsafe partial class CudaExchange
{
    /// <summary>The bytes of a card's memory that this takes at most, for the plan.</summary>
    public static long Bytes(CudaShape shape, CudaExecutorOptions options)
    {
        var decodes = (long)Math.Min(StepBuckets.RoundUp(options.MaxSequences), StepBuckets.Largest);
        return new WordArena(shape, shape.Config.LayerCount).Bytes
            + DecodeWordsBytes(shape, decodes)
            + ((long)CudaWorkspace.Rows(options.MaxSequences) * (sizeof(int) + sizeof(ulong)))
            + ((shape.Parts - 1) * FlagBytes)
            + PieceBytes;
    }

    /// <summary>The bytes of main memory that a card without a view of the other's memory takes, for the plan.</summary>
    public static long PageLocked(CudaShape shape, CudaExecutorOptions options)
    {
        var rows = CudaWorkspace.Rows(options.MaxSequences);
        var inbox = InboxBytes(shape, CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences), rows);
        return ((shape.Parts - 1) * ((2 * inbox) + FlagBytes))
            + new WordArena(shape, shape.Config.LayerCount).Bytes
            + ((long)rows * sizeof(ulong));
    }

    /// <summary>The bytes of main memory into which a card without a view of the other's memory stores at once.</summary>
    public static long InboxBytes(CudaShape shape, int tokens, int rows) => Math.Max(
        Math.Max((long)tokens * shape.Hidden * sizeof(float), (long)tokens * shape.TopK * shape.Intermediate * sizeof(ushort)),
        Math.Max((long)tokens * shape.AttendedWidth * sizeof(ushort), (long)rows * shape.Vocabulary * sizeof(float)));

    /// <summary>Words behind attention and behind the experts, and attention's result: of so many sequences' tokens.</summary>
    private static long DecodeWordsBytes(CudaShape shape, long sequences) =>
        sequences * sizeof(ulong) * ((2 * shape.Hidden) + (shape.AttendedWidth / 2));
}
