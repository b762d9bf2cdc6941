using System.Globalization;
using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From a chat completion to a call of the chat client. Every known field is mapped, without a meaning, or refused.</summary>
internal static class ChatRequestMapper
{
    public static ModelCall Map(ChatCompletionRequest body, OpenAIServer server, string caller)
    {
        var limits = server.Options;
        RefuseUnsupported(body);
        var messages = new ChatMessagesReader(callId => server.Reasoning.Recall(caller, callId)).Read(body.Messages, limits.MaxMessages);
        var options = new ChatOptions
        {
            Temperature = (float?)Check.InRange(body.Temperature, 0, 2, "temperature"),
            TopP = (float?)Check.InRange(body.TopP, 0, 1, "top_p"),
            TopK = TopK(body.TopK),
            FrequencyPenalty = (float?)Check.InRange(body.FrequencyPenalty, -2, 2, "frequency_penalty"),
            PresencePenalty = (float?)Check.InRange(body.PresencePenalty, -2, 2, "presence_penalty"),
            MaxOutputTokens = Check.AtLeast(body.MaxCompletionTokens, 1, "max_completion_tokens")
                ?? Check.AtLeast(body.MaxTokens, 1, "max_tokens"),
            Seed = body.Seed,
            StopSequences = SamplingReader.Stop(body.Stop, "stop"),
            Reasoning = new ReasoningOptions { Effort = Effort(body), Output = ReasoningOutput.Full },
            ResponseFormat = ResponseFormatReader.Read(body.ResponseFormat, "response_format"),
            AllowMultipleToolCalls = body.ParallelToolCalls,
        };
        var allowed = ToolSelection.Apply(options, Tools(body.Tools, limits.MaxTools), body.ToolChoice);
        var own = new GptOssRequestOptions
        {
            AllowedTools = allowed,
            MinP = Check.InRange(body.MinP, 0, 1, "min_p") ?? 0,
            RepetitionPenalty = Check.InRange(body.RepetitionPenalty, 0.01, 10, "repetition_penalty") ?? 1,
            LogitBias = SamplingReader.LogitBias(body.LogitBias, "logit_bias"),
            LogProbabilities = body.Logprobs ?? false,
            TopLogProbabilities = TopLogprobs(body),
            ReasoningBudget = Check.AtLeast(body.ThinkingTokenBudget ?? body.Reasoning?.MaxTokens, 0, "thinking_token_budget"),
            Priority = Check.InRange(body.Priority, -1_000, 1_000, "priority") ?? 0,
            CacheSalt = SamplingReader.CacheSalt(body.CacheSalt, caller),
        };
        options.RawRepresentationFactory = _ => own;
        return new ModelCall(messages, options);
    }

    /// <summary>Whether the client wants the reasoning.</summary>
    public static bool ShowsReasoning(ChatCompletionRequest body) =>
        body.Reasoning?.Exclude is not true && body.IncludeReasoning is not false;

    private static int? TopK(int? topK) => topK is null or -1 or 0 ? null : Check.AtLeast(topK, 1, "top_k");

    private static ReasoningEffort? Effort(ChatCompletionRequest body) =>
        EffortReader.Read(body.ReasoningEffort, "reasoning_effort")
        ?? EffortReader.Read(body.Reasoning?.Effort, "reasoning.effort")
        ?? EffortReader.Read(body.ChatTemplateKwargs?.ReasoningEffort, "chat_template_kwargs.reasoning_effort")
        ?? (body.Reasoning?.Enabled is false ? ReasoningEffort.Low : null);

    private static int TopLogprobs(ChatCompletionRequest body)
    {
        var top = Check.InRange(body.TopLogprobs, 0, 20, "top_logprobs");
        return top is null || body.Logprobs is true
            ? top ?? 0
            : throw RequestError.Invalid("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
    }

    private static List<AITool> Tools(IReadOnlyList<ChatToolBody?>? tools, int most)
    {
        Check.Count(tools?.Count ?? 0, most, "tools");
        var functions = new List<AITool>();
        for (var i = 0; i < (tools?.Count ?? 0); i++)
        {
            var param = string.Create(CultureInfo.InvariantCulture, $"tools[{i}]");
            var tool = tools![i] ?? throw RequestError.WrongType(param, "an object");
            if (tool.Type is null)
            {
                throw RequestError.Missing($"{param}.type");
            }

            if (tool.Type is not "function")
            {
                throw RequestError.UnsupportedValue($"{param}.type", $"it is '{tool.Type}', but the model can call functions only");
            }

            var function = Check.Required(tool.Function, $"{param}.function");
            functions.Add(FunctionDefinition.Create(function.Name, function.Description, function.Parameters, $"{param}.function"));
        }

        return functions;
    }

    private static void RefuseUnsupported(ChatCompletionRequest body)
    {
        Refuse(body.Audio, "audio", "gpt-oss writes text only");
        Refuse(body.WebSearchOptions, "web_search_options", "the server calls no one; offer a function instead");
        Refuse(body.Functions, "functions", "it was replaced by 'tools'");
        Refuse(body.FunctionCall, "function_call", "it was replaced by 'tool_choice'");
        Refuse(body.StructuredOutputs, "structured_outputs", "use 'response_format'");
        if (body.Modalities is { } modalities && modalities.Any(modality => modality is not "text"))
        {
            throw RequestError.UnsupportedValue("modalities", "gpt-oss writes text only");
        }

        if (body.MinTokens > 0)
        {
            throw RequestError.Unsupported("min_tokens", "the model decides when it is done");
        }

        if (body.IgnoreEos is true)
        {
            throw RequestError.Unsupported("ignore_eos", "the model decides when it is done");
        }

        if (body.StopTokenIds is { Count: > 0 })
        {
            throw RequestError.Unsupported("stop_token_ids", "use 'stop'");
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
