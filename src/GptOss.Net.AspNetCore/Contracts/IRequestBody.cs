using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>The body of a request.</summary>
internal interface IRequestBody
{
    /// <summary>Gets the model that was asked for.</summary>
    string? Model { get; }

    /// <summary>Gets the fields that nothing here knows; they are ignored, and logged once.</summary>
    Dictionary<string, JsonElement>? Unknown { get; }
}
