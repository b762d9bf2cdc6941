using System.Diagnostics;
using System.Diagnostics.Metrics;
using GptOss.Net.Engine;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>What a listener of the meter is told.</summary>
public sealed class EngineMeterTests
{
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(100);

    [Fact]
    public async Task A_finished_request_is_measured_as_the_conventions_ask()
    {
        using var measurements = new RecordedMeasurements(nameof(A_finished_request_is_measured_as_the_conventions_ask));
        await using (var model = Create(measurements.Model))
        {
            await model.Ids([1, 2, 3], Generations.Greedy(5));
        }

        measurements.Of("gen_ai.server.request.duration").Should().Equal(0.5);
        measurements.Of("gen_ai.server.time_to_first_token").Should().Equal(0.1);
        measurements.Of("gen_ai.server.time_per_output_token").Should().Equal(0.1);
        measurements.Of("gptoss.inter_token_latency").Should().Equal(0.1, 0.1, 0.1, 0.1);
        measurements.Of("gptoss.request_queue_time").Should().Equal(0);
        measurements.TagsOf("gen_ai.server.request.duration").Should()
            .BeEquivalentTo(new Dictionary<string, object?>(StringComparer.Ordinal)
            {
                ["gen_ai.operation.name"] = "text_completion",
                ["gen_ai.provider.name"] = "gptoss.net",
                ["gen_ai.request.model"] = measurements.Model,
            });
    }

    [Fact]
    public async Task A_chat_is_named_so()
    {
        using var measurements = new RecordedMeasurements(nameof(A_chat_is_named_so));
        var executor = new ScriptedExecutor(201_088);
        await using (var model = ScriptedModel.Create(executor, vocabularySize: 201_088, name: measurements.Model))
        {
            await model.AsIChatClient().GetResponseAsync(
                [new(Microsoft.Extensions.AI.ChatRole.User, "Hello!")], new() { MaxOutputTokens = 4 },
                TestContext.Current.CancellationToken);
        }

        measurements.TagsOf("gen_ai.server.request.duration")["gen_ai.operation.name"].Should().Be("chat");
    }

    [Fact]
    public async Task A_failed_request_has_its_error_and_no_times_of_tokens()
    {
        using var measurements = new RecordedMeasurements(nameof(A_failed_request_has_its_error_and_no_times_of_tokens));
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => ArgumentOutOfRangeException.ThrowIfEqual(step, 3),
        };
        await using (var model = ScriptedModel.Create(executor, name: measurements.Model))
        {
            var generation = () => model.Ids([1, 2, 3], Generations.Greedy(5));

            await generation.Should().ThrowAsync<GptOssException>();
        }

        measurements.Of("gen_ai.server.time_to_first_token").Should().BeEmpty();
        measurements.Of("gen_ai.server.request.duration").Should().ContainSingle();
        measurements.TagsOf("gen_ai.server.request.duration")["error.type"].Should().Be("GptOss.Net.GptOssException");
    }

    [Fact]
    public async Task Counts_and_levels_are_those_of_the_statistics()
    {
        using var measurements = new RecordedMeasurements(nameof(Counts_and_levels_are_those_of_the_statistics));
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => measurements.CollectIf(step == 6),
        };
        await using (var model = ScriptedModel.Create(executor, name: measurements.Model))
        {
            await model.Ids([.. Enumerable.Range(0, 40)], Generations.Greedy(5));
            await model.Ids([.. Enumerable.Range(0, 40)], Generations.Greedy(5));
        }

        measurements.Of("gptoss.num_requests_running").Should().Equal(1);
        measurements.Of("gptoss.num_requests_waiting").Should().Equal(0);
        measurements.Of("gptoss.requests", "gptoss.outcome", "finished").Should().Equal(1);
        measurements.Of("gptoss.requests", "gptoss.outcome", "refused").Should().Equal(0);
        measurements.Of("gptoss.prompt_tokens").Should().Equal(80);
        measurements.Of("gptoss.prefix_cache_queries").Should().Equal(80);
        measurements.Of("gptoss.prefix_cache_hits").Should().Equal(32);
        measurements.Of("gptoss.generation_tokens").Should().Equal(5);
        measurements.Of("gptoss.num_preemptions").Should().Equal(0);
        measurements.Of("gptoss.kv_cache_usage", "gptoss.layer_kind", "full").Should().Equal(3.0 / 4_096);
        measurements.Of("gptoss.kv_cache_usage", "gptoss.layer_kind", "sliding").Should().Equal(2.0 / 4_096);
    }

    [Fact]
    public async Task Two_models_of_one_process_are_told_apart()
    {
        using var first = new RecordedMeasurements("Two_models.first");
        using var second = new RecordedMeasurements("Two_models.second");
        await using (var one = Create(first.Model))
        await using (var other = Create(second.Model))
        {
            await one.Ids([1], Generations.Greedy(2));
            await other.Ids([1], Generations.Greedy(3));
            await other.Ids([1], Generations.Greedy(3));
        }

        first.Of("gen_ai.server.request.duration").Should().HaveCount(1);
        second.Of("gen_ai.server.request.duration").Should().HaveCount(2);
    }

    [Fact]
    public async Task A_factory_makes_the_meter_and_keeps_it()
    {
        using var factory = new SingleMeterFactory();
        using var measurements = new RecordedMeasurements(nameof(A_factory_makes_the_meter_and_keeps_it));
        await using (var model = ScriptedModel.Create(
            new ScriptedExecutor(ScriptedModel.VocabularySize), name: measurements.Model, meterFactory: factory))
        {
            await model.Ids([1], Generations.Greedy(2));
            measurements.CollectIf(true);
        }

        measurements.CollectIf(true);

        measurements.Of("gptoss.prompt_tokens").Should().Equal([1], "a disposed model has no measurements");
        factory.Created!.Name.Should().Be(GptOssTelemetry.MeterName);
        factory.IsMeterDisposed.Should().BeFalse();
    }

    [Fact]
    public async Task Models_of_one_factory_share_their_instruments_and_leave_nothing()
    {
        using var factory = new SharedMeterFactory();
        for (var load = 0; load < 60; load++)
        {
            await using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), meterFactory: factory);
        }

        using var first = new RecordedMeasurements("Models_of_one_factory.first");
        using var second = new RecordedMeasurements("Models_of_one_factory.second");
        await using var one = ScriptedModel.Create(
            new ScriptedExecutor(ScriptedModel.VocabularySize), name: first.Model, meterFactory: factory);
        await using var other = ScriptedModel.Create(
            new ScriptedExecutor(ScriptedModel.VocabularySize), name: second.Model, meterFactory: factory);
        await one.Ids([1], Generations.Greedy(2));
        await other.Ids([1, 2], Generations.Greedy(2));
        first.CollectIf(true);
        second.CollectIf(true);

        first.Of("gptoss.prompt_tokens").Should().Equal(1);
        second.Of("gptoss.prompt_tokens").Should().Equal(2);
        InstrumentsOf(factory.Meter).Should().HaveCount(16).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public void What_happens_for_each_token_allocates_nothing_with_a_listener()
    {
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) => self.EnableMeasurementEvents(instrument) };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => { });
        listener.Start();
        using var telemetry = new EngineTelemetry(new EngineOptions(1, TimeProvider.System, NullLogger.Instance));
        var request = new LogitsRequest(new Sequence([1]), CancellationToken.None);
        telemetry.Arrive(request);
        Deliver(1_000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Deliver(1_000);

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);

        void Deliver(int tokens)
        {
            for (var i = 0; i < tokens; i++)
            {
                telemetry.Begin(request, 1);
                telemetry.Deliver(request);
            }
        }
    }

    [Fact]
    public async Task Listeners_that_fail_end_no_request_and_are_logged_once()
    {
        var name = nameof(Listeners_that_fail_end_no_request_and_are_logged_once);
        using var meters = new MeterListener { InstrumentPublished = (instrument, self) => self.EnableMeasurementEvents(instrument) };
        meters.SetMeasurementEventCallback<double>((_, _, tags, _) => FailFor(tags.ToArray(), name));
        meters.Start();
        using var activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == GptOssTelemetry.ActivitySourceName,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => FailFor([.. activity.TagObjects], name),
        };
        ActivitySource.AddActivityListener(activities);
        var logger = new CountingLogger();
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), name: name, logger: logger);
        await using (model)
        {
            (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);
            (await model.Ids([1], Generations.Greedy(3))).Should().Equal(2, 3, 4);
        }

        model.GetStatistics().FinishedRequests.Should().Be(2);
        logger.Count.Should().Be(1);
    }

    private static List<string> InstrumentsOf(Meter meter)
    {
        var names = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter == meter)
                {
                    names.Add(instrument.Name);
                }
            },
        };
        listener.Start();
        return names;
    }

    private static void FailFor(KeyValuePair<string, object?>[] tags, string model)
    {
        if (tags.Any(tag => tag.Key == "gen_ai.request.model" && Equals(tag.Value, model)))
        {
            throw new InvalidOperationException("A listener with a defect.");
        }
    }

    private static GptOssModel Create(string name)
    {
        var time = new FakeTimeProvider();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => time.Advance(StepTime) };
        return ScriptedModel.Create(executor, timeProvider: time, name: name);
    }
}
