using System.Text.Json;
using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>A function that the caller offers.</summary>
/// <param name="Declaration">As the caller declares it.</param>
/// <param name="HarmonyName">What the model knows it as.</param>
/// <param name="Arguments">What its arguments may be.</param>
internal sealed record ToolFunction(AIFunctionDeclaration Declaration, string HarmonyName, JsonSchemaGrammar Arguments)
{
    /// <summary>Gets the schema of its arguments.</summary>
    public JsonElement Parameters { get; } = WholeJson.Of(Declaration.JsonSchema);

    /// <summary>What the model is told about it.</summary>
    public ToolDescription Describe() => new()
    {
        Name = HarmonyName,
        Description = Declaration.Description,
        Parameters = Parameters,
        Model = Arguments.Model,
    };
}
