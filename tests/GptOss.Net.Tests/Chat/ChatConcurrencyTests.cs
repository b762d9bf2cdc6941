using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Many requests, cancellation, and readers that leave.</summary>
public sealed class ChatConcurrencyTests
{
    private const string Endless = "<|channel|>final<|message|>";

    private static string Long { get; } = Endless + string.Concat(Enumerable.Repeat(" word", 1_000));

    [Fact]
    public async Task Each_of_64_threads_gets_its_own_100_answers()
    {
        const int Threads = 64;
        const int Requests = 100;
        using var chat = new ScriptedChat(Echo);
        var options = new ChatOptions { Temperature = 0 };

        await Parallel.ForAsync(0, Threads, new ParallelOptions { MaxDegreeOfParallelism = Threads }, async (thread, _) =>
        {
            for (var i = 0; i < Requests; i++)
            {
                var response = await chat.Ask($"{thread} {i}", options);

                response.Text.Should().Be($"{thread} {i}");
                response.FinishReason.Should().Be(ChatFinishReason.Stop);
            }
        });
    }

    [Fact]
    public async Task A_request_cancelled_before_it_begins_computes_nothing()
    {
        using var chat = new ScriptedChat(Long);
        using var cancellation = new CancellationTokenSource();
        await cancellation.CancelAsync();

        var request = () => chat.Client.GetResponseAsync("Hello", null, cancellation.Token);

        (await request.Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
        chat.Executor.StepCount.Should().Be(0);
    }

    [Fact]
    public async Task A_request_cancelled_before_its_schema_is_compiled_is_a_cancelled_task()
    {
        using var chat = new ScriptedChat("this");
        var options = new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema<DateOnly[]>() };

        var response = chat.Client.GetResponseAsync("Hello", options, new CancellationToken(canceled: true));

        response.IsCanceled.Should().BeTrue();
        await response.Invoking(async task => await task).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_request_cancelled_while_it_streams_ends()
    {
        using var chat = new ScriptedChat(Long);
        using var cancellation = new CancellationTokenSource();
        var count = 0;

        var read = async () =>
        {
            await foreach (var update in chat.Client.GetStreamingResponseAsync("Hello", null, cancellation.Token))
            {
                if (update.Text.Length > 0 && ++count == 3)
                {
                    await cancellation.CancelAsync();
                }
            }
        };

        (await read.Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
        (await chat.Ask(options: new() { MaxOutputTokens = 4 })).Text.Should().Be(" word");
    }

    [Fact]
    public async Task The_token_of_the_enumeration_cancels_too()
    {
        using var chat = new ScriptedChat(Long);
        using var cancellation = new CancellationTokenSource();

        var read = async () =>
        {
            await foreach (var _ in chat.Client.GetStreamingResponseAsync("Hello").WithCancellation(cancellation.Token))
            {
                await cancellation.CancelAsync();
            }
        };

        await read.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_request_cancelled_after_its_end_has_its_answer()
    {
        using var chat = new ScriptedChat(Echo);
        using var cancellation = new CancellationTokenSource();

        var response = await chat.Client.GetResponseAsync("this", null, cancellation.Token);
        await cancellation.CancelAsync();

        response.Text.Should().Be("this");
    }

    [Fact]
    public async Task A_reader_that_leaves_early_ends_the_generation()
    {
        using var chat = new ScriptedChat(Long);

        await foreach (var update in chat.Client.GetStreamingResponseAsync("Hello", null, TestContext.Current.CancellationToken))
        {
            update.Text.Should().Be(" word");
            break;
        }

        await chat.Ask("Another", new() { MaxOutputTokens = 1 });
        chat.Executor.StepCount.Should().BeLessThan(1_000);
    }

    [Fact]
    public async Task A_stop_sequence_ends_the_generation()
    {
        using var chat = new ScriptedChat(Long);

        await chat.Ask(options: new() { StopSequences = ["word"] });

        await chat.Ask("Another", new() { MaxOutputTokens = 1 });
        chat.Executor.StepCount.Should().BeLessThan(1_000);
    }

    [Fact]
    public async Task A_failure_of_the_model_reaches_the_caller()
    {
        using var chat = new ScriptedChat(
            _ => Long,
            step =>
            {
                if (step == 5)
                {
                    throw new InvalidOperationException("The device is gone.");
                }
            });

        await chat.Awaiting(failing => failing.Ask()).Should().ThrowAsync<GptOssException>().WithMessage("*The device is gone.*");
    }

    private static string Echo(string prompt)
    {
        const string User = "<|start|>user<|message|>";
        var text = prompt[(prompt.LastIndexOf(User, StringComparison.Ordinal) + User.Length)..];
        return $"{Endless}{text[..text.IndexOf("<|end|>", StringComparison.Ordinal)]}<|return|>";
    }
}
