namespace GptOss.Net.Placement;

/// <summary>How weights lie in memory.</summary>
internal enum WeightFormat
{
    /// <summary>As in the checkpoint.</summary>
    AsStored,

    BFloat16,

    Float32,
}
