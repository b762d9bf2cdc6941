namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>What becomes of a copy from one device to another.</summary>
internal enum LinkFault
{
    None,

    /// <summary>Zeros arrive.</summary>
    Zeros,

    /// <summary>Nothing arrives: what was there stays.</summary>
    Stale,

    /// <summary>Two bytes of every four arrive.</summary>
    HalfWord,
}
