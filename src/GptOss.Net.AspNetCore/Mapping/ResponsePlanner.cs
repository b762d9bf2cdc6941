using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From a request for a response to what is to be done. Every known field is mapped, without a meaning, or refused.</summary>
internal sealed class ResponsePlanner(OpenAIServer server)
{
    private const string EncryptedReasoning = "reasoning.encrypted_content";
    private const string Logprobs = "message.output_text.logprobs";

    private static readonly JsonElement Auto = JsonElement.Parse("\"auto\"");
    private static readonly JsonElement EmptyObject = JsonElement.Parse("{}");
    private static readonly JsonElement TextFormat = JsonElement.Parse("""{"type":"text"}""");

    /// <param name="body">The request.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="context">The items before, of the response that is continued.</param>
    /// <param name="input">The items of the request.</param>
    public ResponsePlan Plan(ResponseRequest body, string caller, IReadOnlyList<JsonElement> context, IReadOnlyList<JsonElement> input)
    {
        RefuseUnsupported(body);
        if (context.Count + input.Count == 0)
        {
            throw RequestError.Missing("input");
        }

        var tools = new ResponseTools(body.Tools, server.Options.MaxTools);
        var wantsLogprobs = body.Include?.Contains(Logprobs, StringComparer.Ordinal) is true || body.TopLogprobs > 0;
        var options = Options(body, caller, tools, wantsLogprobs);
        IReadOnlyList<JsonElement> items = [.. context, .. input];
        var messages = new ResponseItemsReader(server.Compactions).Read(
            items, i => i < context.Count ? "previous_response_id" : FormattableString.Invariant($"input[{i - context.Count}]"));
        options.Instructions = body.Instructions;
        return new ResponsePlan
        {
            Caller = caller,
            Start = Start(body, tools),
            Call = new ModelCall(messages, options),
            Context = context,
            Input = input,
            Tools = tools,
            IncludesEncryptedReasoning = body.Include?.Contains(EncryptedReasoning, StringComparer.Ordinal) is true,
            ShowsReasoning = !server.Options.HidesReasoning && body.Reasoning?.Exclude is not true,
            Logprobs = wantsLogprobs ? new LogprobMapper(server.Tokenizer) : null,
        };
    }

    private static ChatOptions Options(ResponseRequest body, string caller, ResponseTools tools, bool wantsLogprobs)
    {
        var options = new ChatOptions
        {
            Temperature = (float?)Check.InRange(body.Temperature, 0, 2, "temperature"),
            TopP = (float?)Check.InRange(body.TopP, 0, 1, "top_p"),
            TopK = body.TopK is null or 0 or -1 ? null : Check.AtLeast(body.TopK, 1, "top_k"),
            FrequencyPenalty = (float?)Check.InRange(body.FrequencyPenalty, -2, 2, "frequency_penalty"),
            PresencePenalty = (float?)Check.InRange(body.PresencePenalty, -2, 2, "presence_penalty"),
            MaxOutputTokens = Check.AtLeast(body.MaxOutputTokens, 1, "max_output_tokens"),
            Seed = body.Seed,
            StopSequences = SamplingReader.Stop(body.Stop, "stop"),
            Reasoning = new ReasoningOptions
            {
                Effort = EffortReader.Read(body.Reasoning?.Effort, "reasoning.effort"),
                Output = ReasoningOutput.Full,
            },
            ResponseFormat = ResponseFormatReader.Read(body.Text?.Format, "text.format"),
            AllowMultipleToolCalls = body.ParallelToolCalls,
        };
        var allowed = ToolSelection.Apply(options, tools.Functions, body.ToolChoice);
        var own = new GptOssRequestOptions
        {
            AllowedTools = allowed,
            MinP = Check.InRange(body.MinP, 0, 1, "min_p") ?? 0,
            RepetitionPenalty = Check.InRange(body.RepetitionPenalty, 0.01, 10, "repetition_penalty") ?? 1,
            LogitBias = SamplingReader.LogitBias(body.LogitBias, "logit_bias"),
            LogProbabilities = wantsLogprobs,
            TopLogProbabilities = Check.InRange(body.TopLogprobs, 0, 20, "top_logprobs") ?? 0,
            ReasoningBudget = Check.AtLeast(body.Reasoning?.MaxTokens, 0, "reasoning.max_tokens"),
            Priority = Check.InRange(body.Priority, -1_000, 1_000, "priority") ?? 0,
            CacheSalt = SamplingReader.CacheSalt(body.CacheSalt, caller),
        };
        options.RawRepresentationFactory = _ => own;
        return options;
    }

    private ResponseBody Start(ResponseRequest body, ResponseTools tools) => new()
    {
        Id = "resp_" + Guid.NewGuid().ToString("N"),
        CreatedAt = server.Time.GetUtcNow().ToUnixTimeSeconds(),
        Status = body.Background is true ? "queued" : "in_progress",
        Model = server.ModelId,
        PreviousResponseId = body.PreviousResponseId,
        Instructions = body.Instructions,
        Tools = tools.Echo,
        ToolChoice = ToolChoice(body.ToolChoice),
        Truncation = body.Truncation ?? "disabled",
        ParallelToolCalls = body.ParallelToolCalls ?? true,
        Text = new ResponseTextBody { Format = body.Text?.Format?.Clone() ?? TextFormat, Verbosity = body.Text?.Verbosity },
        Temperature = body.Temperature ?? 1,
        TopP = body.TopP ?? 1,
        PresencePenalty = body.PresencePenalty ?? 0,
        FrequencyPenalty = body.FrequencyPenalty ?? 0,
        TopLogprobs = body.TopLogprobs ?? 0,
        Reasoning = new ReasoningEcho(body.Reasoning?.Effort ?? "medium", body.Reasoning?.Summary),
        MaxOutputTokens = body.MaxOutputTokens,
        MaxToolCalls = body.MaxToolCalls,
        Store = body.Store ?? true,
        Background = body.Background ?? false,
        Metadata = body.Metadata?.Clone() ?? EmptyObject,
        SafetyIdentifier = body.SafetyIdentifier,
        PromptCacheKey = body.PromptCacheKey,
    };

    /// <summary>What was chosen, echoed; a list of allowed tools always says its mode.</summary>
    private static JsonElement ToolChoice(JsonElement? choice)
    {
        if (choice is not { ValueKind: JsonValueKind.String or JsonValueKind.Object } value)
        {
            return Auto;
        }

        return value.ValueKind == JsonValueKind.Object && Check.Member(value, "tools") is not null && Check.Member(value, "mode") is null
            ? ResponseInput.Write(writer =>
            {
                writer.WriteString("mode", "auto");
                foreach (var member in value.EnumerateObject())
                {
                    member.WriteTo(writer);
                }
            })
            : value.Clone();
    }

    private static void RefuseUnsupported(ResponseRequest body)
    {
        Refuse(body.Conversation, "conversation", "use 'previous_response_id'");
        Refuse(body.Prompt, "prompt", "there are no stored prompts; use 'instructions' and 'input'");
        Check.AtLeast(body.MaxToolCalls, 1, "max_tool_calls");
        if (body.Truncation is not (null or "auto" or "disabled"))
        {
            throw RequestError.Invalid("truncation", "'truncation' must be auto or disabled.");
        }

        if (body.Metadata is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) })
        {
            throw RequestError.WrongType("metadata", "an object");
        }

        if (body.Background is true && body.Store is false)
        {
            throw RequestError.Invalid("background", "'background' needs 'store': true.");
        }

        if (body.StreamOptions is not null && body.Stream is not true)
        {
            throw RequestError.Invalid("stream_options", "'stream_options' needs 'stream': true.");
        }
    }

    private static void Refuse(JsonElement? value, string param, string reason)
    {
        if (value is { ValueKind: not JsonValueKind.Null })
        {
            throw RequestError.Unsupported(param, reason);
        }
    }
}
