using System.Globalization;
using System.Text;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// <c>GET /metrics</c>: Prometheus' text under vLLM's names, which dashboards and the Kubernetes inference gateway read. They have a colon,
/// which OpenTelemetry's names may not have; so the text is written here.
/// </summary>
internal sealed class MetricsEndpoint(OpenAIServer server)
{
    private const string Prefix = "vllm:";

    public Task HandleAsync(ServedRequest request)
    {
        request.Http.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return request.Http.Response.WriteAsync(Text(), request.Ended);
    }

    private string Text()
    {
        var text = new StringBuilder();
        var name = server.ModelId.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        var labels = $"model_name=\"{name}\",engine=\"0\"";
        if (server.Status.Model?.GetStatistics() is { } now)
        {
            var usage = now.FullBlockCount == 0 ? 0 : (double)now.FullBlocksUsed / now.FullBlockCount;
            Single(text, "num_requests_running", "gauge", labels, now.RunningRequests);
            Single(text, "num_requests_waiting", "gauge", labels, now.WaitingRequests);
            Single(text, "kv_cache_usage_perc", "gauge", labels, usage);
            Single(text, "gpu_cache_usage_perc", "gauge", labels, usage);
            Single(
                text, "cache_config_info", "gauge",
                FormattableString.Invariant($"{labels},block_size=\"16\",num_gpu_blocks=\"{now.FullBlockCount}\""), 1);
            Single(text, "prompt_tokens_total", "counter", labels, now.PromptTokens);
            Single(text, "generation_tokens_total", "counter", labels, now.GeneratedTokens);
            Single(text, "num_preemptions_total", "counter", labels, now.Preemptions);
            Single(text, "prefix_cache_queries_total", "counter", labels, now.PromptTokens);
            Single(text, "prefix_cache_hits_total", "counter", labels, now.CachedPromptTokens);
            Head(text, "request_success_total", "counter");
            Line(text, "request_success_total", labels + ",finished_reason=\"stop\"", now.FinishedRequests - now.LengthLimitedRequests);
            Line(text, "request_success_total", labels + ",finished_reason=\"length\"", now.LengthLimitedRequests);
            Line(text, "request_success_total", labels + ",finished_reason=\"abort\"", now.CancelledRequests);
        }
        else
        {
            Single(text, "num_requests_running", "gauge", labels, server.Admission.Answers);
            Single(text, "num_requests_waiting", "gauge", labels, 0);
        }

        foreach (var histogram in server.Metrics.Histograms)
        {
            Write(text, histogram, histogram.Name, labels);
            if (histogram.OldName is { } old)
            {
                Write(text, histogram, old, labels);
            }
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, Histogram histogram, string name, string labels)
    {
        var (counts, sum) = histogram.Read();
        Head(text, name, "histogram");
        var total = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            var bound = i < histogram.Bounds.Count ? histogram.Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
            Line(text, name + "_bucket", $"{labels},le=\"{bound}\"", total);
        }

        Line(text, name + "_sum", labels, sum);
        Line(text, name + "_count", labels, total);
    }

    private static void Single(StringBuilder text, string name, string type, string labels, double value)
    {
        Head(text, name, type);
        Line(text, name, labels, value);
    }

    private static void Head(StringBuilder text, string name, string type) =>
        text.Append("# TYPE ").Append(Prefix).Append(name).Append(' ').Append(type).Append('\n');

    private static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(Prefix).Append(name).Append('{').Append(labels).Append("} ")
            .Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
