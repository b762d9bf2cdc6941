namespace GptOss.Net.AspNetCore.Operations;

/// <summary>What a route needs.</summary>
internal enum RouteAccess
{
    /// <summary>Nothing, not even a key: liveness.</summary>
    Open = 0,

    /// <summary>A key, where there are keys.</summary>
    Key = 1,

    /// <summary>A key and a model that is ready.</summary>
    Model = 2,
}
