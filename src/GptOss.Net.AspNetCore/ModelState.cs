namespace GptOss.Net.AspNetCore;

/// <summary>How far a model is.</summary>
public enum ModelState
{
    /// <summary>It is being loaded.</summary>
    Loading = 0,

    /// <summary>It answers.</summary>
    Ready = 1,

    /// <summary>It could not be loaded, or does not work any more.</summary>
    Failed = 2,
}
