using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Microsoft.Extensions.AI's telemetry and the engine's, both on.</summary>
public sealed class ChatTelemetryTests
{
    private const string Source = nameof(ChatTelemetryTests);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tokens_are_counted_once_and_addresses_are_whole(bool isStreamed)
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is GptOssTelemetry.ActivitySourceName or Source,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var root = new Activity("test").Start();
        using (var chat = new ScriptedChat("<|channel|>final<|message|>Yes.<|return|>"))
        {
            using var client = new ChatClientBuilder(chat.Client).UseOpenTelemetry(sourceName: Source).Build();
            if (isStreamed)
            {
                await client.GetStreamingResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken)
                    .ToChatResponseAsync(TestContext.Current.CancellationToken);
            }
            else
            {
                await client.GetResponseAsync("Hi", cancellationToken: TestContext.Current.CancellationToken);
            }
        }

        var own = spans.Where(span => span.TraceId == root.TraceId).ToArray();
        own.Select(span => span.Source.Name).Should().BeEquivalentTo([GptOssTelemetry.ActivitySourceName, Source]);
        own.Count(span => span.GetTagItem("gen_ai.usage.input_tokens") is not null).Should().Be(1);
        own.Count(span => span.GetTagItem("gen_ai.usage.output_tokens") is not null).Should().Be(1);
        var outer = own.Single(span => string.Equals(span.Source.Name, Source, StringComparison.Ordinal));
        outer.GetTagItem("server.address").Should().BeOfType<string>().Which.Should().Contain(".");
        outer.GetTagItem("server.port").Should().BeOfType<int>().Which.Should().BeGreaterThanOrEqualTo(0);
    }
}
