using System.Text.Json;
using System.Text.Json.Nodes;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>From the tools and the response format that are asked for to what the model may write.</summary>
internal sealed class TurnGrammarMapper(SchemaCache schemas, CancellationToken cancellationToken)
{
    /// <exception cref="ArgumentException">A function is required that is not there, or a schema is malformed.</exception>
    /// <exception cref="NotSupportedException">A schema asks for what cannot be enforced.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled while a schema was compiled.</exception>
    public TurnGrammar Map(ChatOptions options, ToolCatalog tools, int? reasoningBudget)
    {
        if (reasoningBudget is { } budget)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(budget, nameof(GptOssRequestOptions.ReasoningBudget));
        }

        return TurnGrammar.Create(
            Callable(options.ToolMode, tools).ToDictionary(tool => tool.HarmonyName, Arguments, StringComparer.Ordinal),
            answers: options.ToolMode is not RequiredChatToolMode,
            (options.ResponseFormat as ChatResponseFormatJson is { } format) ? Answer(format) : null,
            reasoningBudget ?? int.MaxValue);
    }

    private static IReadOnlyCollection<ToolFunction> Callable(ChatToolMode? mode, ToolCatalog tools) => mode switch
    {
        NoneChatToolMode => [],
        RequiredChatToolMode { RequiredFunctionName: { } name } => [tools.Find(name) ?? throw Missing($"the function '{name}'")],
        RequiredChatToolMode when tools.Functions.Count == 0 => throw Missing("a function"),
        _ => tools.Functions,
    };

    private static ArgumentException Missing(string what) =>
        new($"ChatOptions.ToolMode requires a call of {what}, but ChatOptions.Tools does not hold it.", nameof(ChatOptions.ToolMode));

    private TextState Arguments(ToolFunction tool)
    {
        try
        {
            return Grammar(ObjectSchema(tool.Parameters)).Start();
        }
        catch (ArgumentException exception)
        {
            throw new ArgumentException($"The parameters of the function '{tool.Declaration.Name}': {exception.Message}", exception);
        }
        catch (NotSupportedException exception)
        {
            throw new NotSupportedException($"The parameters of the function '{tool.Declaration.Name}': {exception.Message}", exception);
        }
    }

    private TextState Answer(ChatResponseFormatJson format) => Grammar(format.Schema is { } schema ? WholeJson.Of(schema) : null).Start();

    private JsonSchemaGrammar Grammar(JsonElement? schema) =>
        schema is { } given ? schemas.GetGrammar(given, cancellationToken) : JsonSchemaGrammar.AnyObject;

    /// <summary>Arguments are an object, also where the schema leaves that open; <see langword="null"/> if it leaves everything open.</summary>
    private static JsonElement? ObjectSchema(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return schema.ValueKind == JsonValueKind.False ? schema : null;
        }

        if (schema.TryGetProperty("type", out _))
        {
            return schema;
        }

        var typed = JsonObject.Create(schema)!;
        typed["type"] = "object";
        return JsonSerializer.SerializeToElement(typed, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonObject)));
    }
}
