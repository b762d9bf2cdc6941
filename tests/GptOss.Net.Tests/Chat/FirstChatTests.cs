using DemoModel;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

public sealed class FirstChatTests
{
    // The tables of tokens take tens of megabytes; a prompt takes thousands of bytes.
    private const long ManyBytes = 4 << 20;

    /// <summary>An application's first chat may begin on the thread of its windows: what every chat needs was made while loading.</summary>
    [Fact]
    public async Task The_first_chat_makes_no_tables_on_the_thread_of_its_caller()
    {
        using var directory = new TemporaryDirectory();
        var path = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);
        var options = new GptOssModelOptions { MaxModelLength = 512, MaxSequences = 1, Cpu = new CpuOptions { Threads = 1 } };
        await using var model = await GptOssModel.LoadAsync(path, options, cancellationToken: TestContext.Current.CancellationToken);

        var (allocated, response) = FirstChat(model);

        allocated.Should().BeLessThan(ManyBytes);
        (await response).Text.Should().NotBeEmpty();
    }

    private static (long Allocated, Task<ChatResponse> Response) FirstChat(GptOssModel model)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var response = model.AsIChatClient().GetResponseAsync(
            "Hello!", new ChatOptions { Temperature = 0, MaxOutputTokens = 32 }, TestContext.Current.CancellationToken);
        return (GC.GetAllocatedBytesForCurrentThread() - before, response);
    }
}
