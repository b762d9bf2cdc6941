namespace GptOss.Net.Scheduling;

/// <summary>Where a sequence is in its life.</summary>
internal enum SequenceStatus
{
    /// <summary>Not known to the scheduler yet.</summary>
    New,

    /// <summary>Queued: it holds no blocks. A preempted sequence waits again, before those that never ran.</summary>
    Waiting,

    /// <summary>It takes part in steps and holds blocks.</summary>
    Running,

    /// <summary>Done, cancelled or failed: it holds nothing.</summary>
    Finished,
}
