using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From a request in Anthropic's form to a call of the chat client.</summary>
internal static class MessagesRequestMapper
{
    /// <param name="body">The request.</param>
    /// <param name="limits">What the server takes.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="isCount">Whether only tokens are counted: then no limit of the answer is needed.</param>
    public static ModelCall Map(MessagesRequest body, OpenAIServerOptions limits, string caller, bool isCount = false)
    {
        if (body.MaxTokens is null && !isCount)
        {
            throw RequestError.Missing("max_tokens");
        }

        var messages = new MessagesReader().Read(body, limits.MaxMessages);
        var options = new ChatOptions
        {
            MaxOutputTokens = Check.AtLeast(body.MaxTokens, 1, "max_tokens"),
            Temperature = (float?)Check.InRange(body.Temperature, 0, 2, "temperature"),
            TopP = (float?)Check.InRange(body.TopP, 0, 1, "top_p"),
            TopK = body.TopK is null or 0 or -1 ? null : Check.AtLeast(body.TopK, 1, "top_k"),
            StopSequences = Stops(body.StopSequences),
            Reasoning = new ReasoningOptions { Effort = Effort(body), Output = ReasoningOutput.Full },
            ResponseFormat = ResponseFormatReader.Read(body.OutputConfig?.Format, "output_config.format"),
        };
        var tools = Tools(body.Tools, limits.MaxTools);
        ToolSelection.Apply(options, tools, Choice(body.ToolChoice));
        if (body.ToolChoice is { ValueKind: JsonValueKind.Object } choice
            && Check.Member(choice, "disable_parallel_tool_use") is { ValueKind: JsonValueKind.True })
        {
            options.AllowMultipleToolCalls = false;
        }

        var own = new GptOssRequestOptions
        {
            ReasoningBudget =
                body.Thinking?.Type is "enabled" ? Check.AtLeast(body.Thinking.BudgetTokens, 1, "thinking.budget_tokens") : null,
            CacheSalt = SamplingReader.CacheSalt(null, caller),
        };
        options.RawRepresentationFactory = _ => own;
        return new ModelCall(messages, options);
    }

    private static ReasoningEffort? Effort(MessagesRequest body) => EffortReader.Read(body.OutputConfig?.Effort, "output_config.effort")
        ?? body.Thinking?.Type switch
        {
            null or "enabled" or "adaptive" => null,
            "disabled" => ReasoningEffort.Low,
            _ => throw RequestError.Invalid("thinking.type", "'thinking.type' must be enabled, adaptive or disabled."),
        };

    private static List<string>? Stops(IReadOnlyList<string?>? stops)
    {
        Check.Count(stops?.Count ?? 0, 16, "stop_sequences");
        return stops?.Select((stop, i) => stop is { Length: > 0 and <= 256 }
            ? stop
            : throw RequestError.Invalid(
                FormattableString.Invariant($"stop_sequences[{i}]"), "Each of 'stop_sequences' must have 1 to 256 characters.")).ToList();
    }

    /// <summary>Functions; tools of other types are run by a service, and skipped.</summary>
    private static List<AITool> Tools(IReadOnlyList<JsonElement>? tools, int most)
    {
        Check.Count(tools?.Count ?? 0, most, "tools");
        var functions = new List<AITool>();
        for (var i = 0; i < (tools?.Count ?? 0); i++)
        {
            var param = FormattableString.Invariant($"tools[{i}]");
            var tool = Check.Object(tools![i], param);
            if (Check.TextMember(tool, "type", param) is null or "custom")
            {
                functions.Add(FunctionDefinition.Create(
                    Check.TextMember(tool, "name", param),
                    Check.TextMember(tool, "description", param),
                    Check.Member(tool, "input_schema") ?? throw RequestError.Missing($"{param}.input_schema"),
                    param,
                    "input_schema"));
            }
        }

        return functions;
    }

    /// <summary>Anthropic's words for the choice in OpenAI's.</summary>
    private static JsonElement? Choice(JsonElement? choice)
    {
        if (choice is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var type = Check.TextMember(Check.Object(value, "tool_choice"), "type", "tool_choice")
            ?? throw RequestError.Missing("tool_choice.type");
        return type switch
        {
            "auto" or "none" => JsonElement.Parse($"\"{type}\""),
            "any" => JsonElement.Parse("\"required\""),
            "tool" => ResponseInput.Write(writer =>
            {
                writer.WriteString("type", "function");
                writer.WriteString(
                    "name", Check.TextMember(value, "name", "tool_choice") ?? throw RequestError.Missing("tool_choice.name"));
            }),
            _ => throw RequestError.Invalid("tool_choice.type", "'tool_choice.type' must be auto, any, tool or none."),
        };
    }
}
