using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A page of the items that a response was asked with.</summary>
internal sealed record ItemList(IReadOnlyList<JsonElement> Data, bool HasMore)
{
    public string Object { get; } = "list";

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FirstId => IdOf(Data.Count > 0 ? Data[0] : null);

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? LastId => IdOf(Data.Count > 0 ? Data[^1] : null);

    private static string? IdOf(JsonElement? item) => item?.GetProperty("id").GetString();
}
