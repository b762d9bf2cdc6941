namespace GptOss.Net.Scheduling;

/// <summary>Who goes before whom.</summary>
internal static class SequenceOrder
{
    /// <summary>The lower rank first, equal ones in the order in which they came.</summary>
    public static int ByRank(Sequence left, Sequence right) =>
        left.Rank != right.Rank ? left.Rank.CompareTo(right.Rank) : left.Arrival.CompareTo(right.Arrival);

    /// <summary>The more urgent first, then those that have less left to compute before their next token.</summary>
    public static int ByWork(Sequence left, Sequence right) =>
        left.Priority != right.Priority ? right.Priority.CompareTo(left.Priority)
        : left.Work != right.Work ? left.Work.CompareTo(right.Work)
        : ByRank(left, right);

    /// <summary>Those first that were longest in no step.</summary>
    public static int ByTurn(Sequence left, Sequence right) =>
        left.LastStep != right.LastStep ? left.LastStep.CompareTo(right.LastStep) : ByRank(left, right);
}
