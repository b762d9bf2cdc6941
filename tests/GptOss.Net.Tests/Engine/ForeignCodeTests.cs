using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace GptOss.Net.Tests.Engine;

/// <summary>Loggers, listeners and executors that throw on the engine's thread: nobody but them notices.</summary>
public sealed class ForeignCodeTests
{
    [Fact]
    public async Task A_logger_that_throws_does_not_end_the_engine()
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => ArgumentOutOfRangeException.ThrowIfEqual(step, 2),
        };
        await using var model = ScriptedModel.Create(executor, logger: new FailingLogger());

        await model.Awaiting(failing => failing.Ids([1], Generations.Greedy(5))).Should().ThrowAsync<GptOssException>();

        (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);
        model.Health.Should().Be(ModelHealth.Ready);
    }

    [Fact]
    public async Task Listeners_and_a_logger_that_throw_all_the_time_do_not_end_the_engine()
    {
        var name = nameof(Listeners_and_a_logger_that_throw_all_the_time_do_not_end_the_engine);
        using var meters = FailingMeterListener();
        meters.SetMeasurementEventCallback<double>((_, _, tags, _) => FailFor(tags.ToArray(), name));
        using var activities = ListenTo(GptOssTelemetry.ActivitySourceName, activity => FailFor([.. activity.TagObjects], name));
        ActivitySource.AddActivityListener(activities);
        await using var model = ScriptedModel.Create(
            new ScriptedExecutor(ScriptedModel.VocabularySize), name: name, logger: new FailingLogger());

        (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);
        (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);
        model.Health.Should().Be(ModelHealth.Ready);
    }

    [Fact]
    public async Task A_listener_that_throws_leaves_no_trace_for_later_requests()
    {
        var name = nameof(A_listener_that_throws_leaves_no_trace_for_later_requests);
        var spans = new List<Activity>();
        using var callers = new ActivitySource(name);
        using var listener = ListenTo(GptOssTelemetry.ActivitySourceName, activity =>
        {
            if (Equals(activity.GetTagItem("gen_ai.request.model"), name))
            {
                spans.Add(activity);
                Activity.Current = activity; // a second defect
                throw new InvalidOperationException("A listener with a defect.");
            }
        });
        using var callersListener = ListenTo(name, _ => { });
        ActivitySource.AddActivityListener(listener);
        ActivitySource.AddActivityListener(callersListener);
        await using (var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), name: name))
        {
            using (callers.StartActivity("caller"))
            {
                await model.Ids([1], Generations.Greedy(2));
            }

            await model.Ids([1], Generations.Greedy(2));
            await model.Ids([1], Generations.Greedy(2));
        }

        spans.Should().HaveCount(3);
        spans[0].Parent.Should().BeNull();
        spans[0].ParentSpanId.Should().NotBe(default(ActivitySpanId));
        spans.Skip(1).Should().OnlyContain(span => span.ParentSpanId == default, "nobody called them");
        spans.Select(span => span.TraceId).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_listener_that_throws_when_instruments_are_made_does_not_stop_a_model_from_starting()
    {
        var name = nameof(A_listener_that_throws_when_instruments_are_made_does_not_stop_a_model_from_starting);
        using var factory = new Telemetry.SharedMeterFactory();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == factory.Meter)
                {
                    throw new InvalidOperationException("A listener with a defect.");
                }
            },
        };
        listener.Start();
        await using var model = ScriptedModel.Create(
            new ScriptedExecutor(ScriptedModel.VocabularySize), name: name, meterFactory: factory);

        (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);
    }

    [Fact]
    public async Task An_executor_that_cannot_be_freed_does_not_make_disposal_fail()
    {
        var model = ScriptedModel.Create(new UnfreeableExecutor(), logger: new FailingLogger());

        await model.DisposeAsync();
        model.Dispose();

        model.Health.Should().Be(ModelHealth.Disposed);
    }

    [Fact]
    public async Task A_listener_may_dispose_of_the_model()
    {
        var name = nameof(A_listener_may_dispose_of_the_model);
        GptOssModel? model = null;
        using var listener = ListenTo(GptOssTelemetry.ActivitySourceName, activity =>
        {
            if (Equals(activity.GetTagItem("gen_ai.request.model"), name))
            {
                model!.Dispose();
            }
        });
        ActivitySource.AddActivityListener(listener);
        model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), name: name);

        (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);

        await model.DisposeAsync();
    }

    private static MeterListener FailingMeterListener()
    {
        var listener = new MeterListener { InstrumentPublished = (instrument, self) => self.EnableMeasurementEvents(instrument) };
        listener.Start();
        return listener;
    }

    private static ActivityListener ListenTo(string source, Action<Activity> stopped) => new()
    {
        ShouldListenTo = candidate => candidate.Name == source,
        Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
        ActivityStopped = stopped,
    };

    private static void FailFor(KeyValuePair<string, object?>[] tags, string model)
    {
        if (tags.Any(tag => tag.Key == "gen_ai.request.model" && Equals(tag.Value, model)))
        {
            throw new InvalidOperationException("A listener with a defect.");
        }
    }
}
