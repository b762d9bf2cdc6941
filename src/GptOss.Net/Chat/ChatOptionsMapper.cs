using System.Text.Json;
using Microsoft.Extensions.AI;
using HarmonyEffort = GptOss.Net.Harmony.ReasoningEffort;
using ResponseFormat = GptOss.Net.Harmony.ResponseFormat;

namespace GptOss.Net.Chat;

/// <summary>From <see cref="ChatOptions"/> to the options of the model. Everything is mapped or refused.</summary>
internal static class ChatOptionsMapper
{
    private static readonly JsonElement AnyObject = JsonElement.Parse("""{"type":"object"}""");

    /// <exception cref="NotSupportedException">An option asks for what the client does not do.</exception>
    /// <exception cref="ArgumentException">Another model is asked for.</exception>
    public static void RefuseUnsupported(ChatOptions options, GptOssModel model)
    {
        if (!string.IsNullOrWhiteSpace(options.ModelId) && !model.IsCalled(options.ModelId))
        {
            throw new ArgumentException(
                $"ModelId is '{options.ModelId}', but this client runs '{model.Name}'. Leave it out or name that.", nameof(options));
        }

        Refuse(
            !string.IsNullOrWhiteSpace(options.ConversationId), nameof(options.ConversationId),
            "the client keeps no state; send the whole conversation");
        Refuse(options.ContinuationToken is not null, nameof(options.ContinuationToken), "responses are not resumable");
    }

    /// <summary>This library's own options; those of another client, which the same options may also go to, are ignored.</summary>
    public static GptOssRequestOptions RequestOptions(ChatOptions options, IChatClient client) =>
        options.RawRepresentationFactory?.Invoke(client) is not GptOssRequestOptions own ? new GptOssRequestOptions()
        : own.RepetitionLimit is { } limit && limit < GptOssRequestOptions.LeastRepetitionLimit ? throw new ArgumentOutOfRangeException(
            nameof(own.RepetitionLimit), limit, $"RepetitionLimit is {limit}; it is at least {GptOssRequestOptions.LeastRepetitionLimit}.")
        : own;

    public static SamplingOptions ToSamplingOptions(ChatOptions options, GptOssRequestOptions own)
    {
        var defaults = new SamplingOptions();
        if (options.TopK is { } topK)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(topK, 1, nameof(options.TopK));
        }

        return new SamplingOptions
        {
            Temperature = options.Temperature ?? defaults.Temperature,
            TopP = options.TopP ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            FrequencyPenalty = options.FrequencyPenalty ?? defaults.FrequencyPenalty,
            PresencePenalty = options.PresencePenalty ?? defaults.PresencePenalty,
            MaxOutputTokens = options.MaxOutputTokens,
            Seed = options.Seed,
            StopSequences = options.StopSequences is { } stops ? [.. stops] : [],
            MinP = own.MinP,
            RepetitionPenalty = own.RepetitionPenalty,
            LogitBias = own.LogitBias,
            LogProbabilities = own.LogProbabilities,
            TopLogProbabilities = own.TopLogProbabilities,
        };
    }

    /// <summary>The model knows three efforts: none is the least of them, extra high the most.</summary>
    public static HarmonyEffort ToReasoningEffort(ReasoningEffort? effort) => effort switch
    {
        ReasoningEffort.None or ReasoningEffort.Low => HarmonyEffort.Low,
        ReasoningEffort.High or ReasoningEffort.ExtraHigh => HarmonyEffort.High,
        _ => HarmonyEffort.Medium,
    };

    /// <summary>What the model is told about the JSON that it shall answer with.</summary>
    public static ResponseFormat? ToResponseFormat(ChatOptions options) => options.ResponseFormat is not ChatResponseFormatJson format
        ? null
        : new ResponseFormat
        {
            Name = HarmonyName.Of(format.SchemaName ?? "response"),
            Description = format.SchemaDescription,
            Schema = format.Schema is { } schema ? WholeJson.Of(schema) : AnyObject,
        };

    private static void Refuse(bool isSet, string option, string reason)
    {
        if (isSet)
        {
            throw new NotSupportedException($"ChatOptions.{option} is set: {reason}.");
        }
    }
}
