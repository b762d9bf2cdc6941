namespace GptOss.Net.Execution.Cuda;

/// <summary>How arrays go from one card to another.</summary>
internal enum LinkWay
{
    /// <summary>The card that needs them reads them from the other's memory, over NVLink or PCIe.</summary>
    Peer,

    /// <summary>Through page-locked main memory.</summary>
    Host,
}
