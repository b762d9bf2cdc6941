using System.Diagnostics;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>The span of a request, a child of its caller's.</summary>
/// <remarks>
/// It is made when the request has ended, with the times that it had: an activity that one thread starts and another one stops would
/// leave the engine's thread inside somebody's trace. So would a listener that throws; whatever happens, the thread is in no trace after.
/// </remarks>
internal static class RequestActivity
{
    private static readonly ActivitySource Source = new(GptOssTelemetry.ActivitySourceName);

    /// <summary>
    /// Whether a caller's span is a chat by OpenTelemetry's conventions: it reports the usage, which whoever adds it up must not find
    /// twice.
    /// </summary>
    public static bool IsWithinChat(Activity? caller)
    {
        for (; caller is not null; caller = caller.Parent)
        {
            if (caller.GetTagItem(GenAIAttributes.OperationName) is GenAIAttributes.Chat)
            {
                return true;
            }
        }

        return false;
    }

    /// <param name="request">What ended.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="exception">Why, unless it was finished.</param>
    /// <param name="time">The engine's clock.</param>
    public static void Record(EngineRequest request, string model, Exception? exception, TimeProvider time)
    {
        if (!Source.HasListeners())
        {
            return;
        }

        Activity.Current = null;
        try
        {
            Start(request, model, exception, time);
        }
        finally
        {
            Activity.Current = null;
        }
    }

    private static void Start(EngineRequest request, string model, Exception? exception, TimeProvider time)
    {
        var (progress, sequence) = (request.Progress, request.Sequence);
        var (now, end) = (time.GetTimestamp(), time.GetUtcNow());
        using var activity = Source.StartActivity(
            "llm_request", ActivityKind.Internal, progress.Parent, startTime: end - time.GetElapsedTime(progress.Arrived, now));
        if (activity is null)
        {
            return;
        }

        activity
            .SetTag(GenAIAttributes.OperationName, request.Operation)
            .SetTag(GenAIAttributes.ProviderName, GenAIAttributes.Provider)
            .SetTag(GenAIAttributes.RequestModel, model)
            .SetTag("gen_ai.latency.e2e", Seconds(now));
        if (!progress.IsUsageReported)
        {
            activity
                .SetTag("gen_ai.usage.input_tokens", sequence.PromptLength)
                .SetTag("gen_ai.usage.cache_read.input_tokens", sequence.CachedTokens ?? 0)
                .SetTag("gen_ai.usage.output_tokens", progress.OutputTokens);
        }

        if (progress.Started != 0)
        {
            activity.SetTag("gen_ai.latency.time_in_queue", Seconds(progress.Started));
        }

        if (progress.OutputTokens > 0)
        {
            activity.SetTag("gen_ai.latency.time_to_first_token", Seconds(progress.FirstToken));
        }

        if (request.FinishReason is { } reason)
        {
            activity.SetTag("gen_ai.response.finish_reasons", new[] { reason == FinishReason.Stop ? "stop" : "length" });
        }

        if (exception is not null)
        {
            activity.SetTag(GenAIAttributes.ErrorType, exception.GetType().FullName);
            activity.SetStatus(ActivityStatusCode.Error, exception.Message);
        }

        activity.SetEndTime(end.UtcDateTime);

        double Seconds(long timestamp) => time.GetElapsedTime(progress.Arrived, timestamp).TotalSeconds;
    }
}
