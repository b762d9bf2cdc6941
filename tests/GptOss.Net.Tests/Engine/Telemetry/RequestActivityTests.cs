using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>The span of a request.</summary>
public sealed class RequestActivityTests : IDisposable
{
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(100);

    private static readonly string[] FinishReasons = ["length"];

    private readonly ConcurrentQueue<Activity> _spans = [];
    private readonly ActivitySource _callers = new(nameof(RequestActivityTests));
    private readonly ActivityListener _listener;

    public RequestActivityTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is GptOssTelemetry.ActivitySourceName or nameof(RequestActivityTests),
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => Keep(activity),
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _callers.Dispose();
    }

    [Fact]
    public async Task A_request_is_a_span_with_what_it_took()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        await using (var model = Create(nameof(A_request_is_a_span_with_what_it_took), time))
        {
            await model.Ids([1, 2, 3], Generations.Greedy(5));
        }

        var span = Spans(nameof(A_request_is_a_span_with_what_it_took)).Should().ContainSingle().Subject;
        span.OperationName.Should().Be("llm_request");
        span.StartTimeUtc.Should().Be(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        span.Duration.Should().Be(5 * StepTime);
        span.Status.Should().Be(ActivityStatusCode.Unset);
        span.TagObjects.Should().BeEquivalentTo(new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["gen_ai.operation.name"] = "text_completion",
            ["gen_ai.provider.name"] = "gptoss.net",
            ["gen_ai.request.model"] = nameof(A_request_is_a_span_with_what_it_took),
            ["gen_ai.usage.input_tokens"] = 3,
            ["gen_ai.usage.cache_read.input_tokens"] = 0,
            ["gen_ai.usage.output_tokens"] = 5,
            ["gen_ai.latency.e2e"] = 0.5,
            ["gen_ai.latency.time_in_queue"] = 0.0,
            ["gen_ai.latency.time_to_first_token"] = 0.1,
            ["gen_ai.response.finish_reasons"] = FinishReasons,
        });
    }

    [Fact]
    public async Task Each_request_belongs_to_its_own_caller()
    {
        var name = nameof(Each_request_belongs_to_its_own_caller);
        var parents = new ConcurrentDictionary<int, ActivitySpanId>();
        await using (var model = CreateInside("loading", name))
        {
            await Task.WhenAll(Enumerable.Range(1, 8).Select(async length =>
            {
                using var caller = _callers.StartActivity("caller");
                parents[length] = caller!.SpanId;
                await model.Ids(new int[length], Generations.Greedy(3));
                Activity.Current.Should().BeSameAs(caller);
            }));
            await model.Ids(new int[9], Generations.Greedy(3));
        }

        Spans(name).Should().HaveCount(9);
        foreach (var span in Spans(name))
        {
            var length = (int)span.GetTagItem("gen_ai.usage.input_tokens")!;
            span.ParentSpanId.Should().Be(length == 9 ? default : parents[length]);
        }
    }

    [Fact]
    public async Task A_cancelled_request_tells_so()
    {
        using var cancellation = new CancellationTokenSource();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => cancellation.Cancel() };
        await using (var model = ScriptedModel.Create(executor, name: nameof(A_cancelled_request_tells_so)))
        {
            var generation = async () => await model.GenerateAsync([1], cancellationToken: cancellation.Token).LastAsync();

            await generation.Should().ThrowAsync<OperationCanceledException>();
            while (model.GetStatistics().CancelledRequests == 0)
            {
                // The caller is told at once, the engine ends the request after its step.
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }
        }

        var span = Spans(nameof(A_cancelled_request_tells_so)).Should().ContainSingle().Subject;
        span.Status.Should().Be(ActivityStatusCode.Error);
        span.GetTagItem("error.type").Should().Be("System.OperationCanceledException");
        span.GetTagItem("gen_ai.response.finish_reasons").Should().BeNull();
    }

    [Fact]
    public async Task Usage_that_the_callers_chat_reports_is_not_reported_twice()
    {
        var name = nameof(Usage_that_the_callers_chat_reports_is_not_reported_twice);
        await using (var model = Create(name, new FakeTimeProvider()))
        {
            using var chat = _callers.StartActivity("chat")!.SetTag("gen_ai.operation.name", "chat");
            using var inner = _callers.StartActivity("inner");
            await model.Ids([1, 2, 3], Generations.Greedy(5));
        }

        Spans(name).Should().ContainSingle().Which.TagObjects.Should()
            .NotContain(tag => tag.Key.StartsWith("gen_ai.usage", StringComparison.Ordinal));
    }

    private GptOssModel CreateInside(string activity, string name)
    {
        using var loading = _callers.StartActivity(activity);
        return Create(name, new FakeTimeProvider());
    }

    private static GptOssModel Create(string name, FakeTimeProvider time)
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => time.Advance(StepTime) };
        return ScriptedModel.Create(executor, timeProvider: time, name: name);
    }

    private void Keep(Activity activity)
    {
        if (activity.Source.Name == GptOssTelemetry.ActivitySourceName)
        {
            _spans.Enqueue(activity);
        }
    }

    private Activity[] Spans(string model) => [.. _spans.Where(span => Equals(span.GetTagItem("gen_ai.request.model"), model))];
}
