using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>The model knows three efforts; the words for more and less, which clients send, stand for the nearest.</summary>
internal static class EffortReader
{
    public static ReasoningEffort? Read(string? effort, string param) => effort switch
    {
        null => null,
        "none" or "minimal" or "low" => ReasoningEffort.Low,
        "medium" => ReasoningEffort.Medium,
        "high" or "xhigh" or "max" => ReasoningEffort.High,
        _ => throw RequestError.Invalid(
            param, $"'{param}' is '{(effort.Length > 64 ? effort[..64] + "…" : effort)}'; "
                + "it must be none, minimal, low, medium, high, xhigh or max."),
    };
}
