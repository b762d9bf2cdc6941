using System.Diagnostics.Metrics;
using System.Net;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>What the server tells monitoring, and what it tells of itself.</summary>
[Collection(DemoServer.Collection)] // what others measure would be counted
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_have_the_names_of_vLLM_and_cumulative_buckets()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        using var meter = new Meter(GptOssTelemetry.MeterName);
        var latency = meter.CreateHistogram<double>("gptoss.inter_token_latency", "s");
        latency.Record(0.01);
        latency.Record(0.03);
        latency.Record(500);
        var answer = await server.GetAsync("/metrics");
        answer.Status.Should().Be(HttpStatusCode.OK);
        answer.Headers["Content-Type"].Should().Be("text/plain; version=0.0.4; charset=utf-8");
        var lines = answer.Text.Split('\n');
        const string Labels = "model_name=\"scripted\",engine=\"0\"";
        foreach (var name in (string[])["inter_token_latency_seconds", "time_per_output_token_seconds"])
        {
            lines.Should().Contain($"# TYPE vllm:{name} histogram");
            lines.Should().Contain($"vllm:{name}_bucket{{{Labels},le=\"0.01\"}} 1");
            lines.Should().Contain($"vllm:{name}_bucket{{{Labels},le=\"0.05\"}} 2");
            lines.Should().Contain($"vllm:{name}_bucket{{{Labels},le=\"+Inf\"}} 3");
            lines.Should().Contain($"vllm:{name}_count{{{Labels}}} 3");
        }

        lines.Should().Contain($"vllm:num_requests_waiting{{{Labels}}} 0");
    }

    [Fact]
    public async Task The_OpenAPI_document_names_every_route_of_the_table()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var document = (await server.GetAsync("/openapi.json")).Json;
        document.GetProperty("openapi").GetString().Should().StartWith("3.1");
        var schema = document.GetProperty("paths").GetProperty("/v1/chat/completions").GetProperty("post").GetProperty("requestBody")
            .GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("properties");
        schema.TryGetProperty("max_completion_tokens", out _).Should().BeTrue();
        foreach (var path in document.GetProperty("paths").EnumerateObject().Select(path => path.Name))
        {
            var status = (int)(await server.GetAsync(path.Replace("{id}", "scripted", StringComparison.Ordinal))).Status;
            status.Should().BeOneOf([200, 404, 405], path);
        }
    }
}
