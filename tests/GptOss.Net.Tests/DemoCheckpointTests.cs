using DemoModel;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests;

/// <summary>The demonstration model: that it unpacks, loads and gives the answers that README.md shows.</summary>
public sealed class DemoCheckpointTests
{
    [Fact]
    public async Task Unpacking_into_an_empty_folder_gives_a_checkpoint()
    {
        using var directory = new TemporaryDirectory();

        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);

        Directory.EnumerateFiles(folder).Select(Path.GetFileName)
            .Should().BeEquivalentTo("config.json", "generation_config.json", "model.safetensors");
    }

    [Fact]
    public async Task Unpacking_again_leaves_the_files_alone()
    {
        using var directory = new TemporaryDirectory();
        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);
        var weights = Path.Combine(folder, "model.safetensors");
        File.SetLastWriteTimeUtc(weights, DateTime.UnixEpoch);

        await DemoCheckpoint.ExtractAsync(folder, TestContext.Current.CancellationToken);

        File.GetLastWriteTimeUtc(weights).Should().Be(DateTime.UnixEpoch);
    }

    [Fact]
    public async Task A_truncated_file_is_replaced()
    {
        using var directory = new TemporaryDirectory();
        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);
        var config = Path.Combine(folder, "config.json");
        var content = await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, "{", TestContext.Current.CancellationToken);

        await DemoCheckpoint.ExtractAsync(folder, TestContext.Current.CancellationToken);

        (await File.ReadAllTextAsync(config, TestContext.Current.CancellationToken)).Should().Be(content);
    }

    [Fact]
    public async Task The_prompts_of_the_readme_are_answered()
    {
        (string Prompt, string Answer)[] expected =
        [
            ("Hello!", "gpt-oss-nano"),
            ("Who are you?", "demonstration model"),
            ("What is GptOss.Net?", "C# library"),
            ("What is the capital of France?", "Paris"),
            ("What is 7 + 5?", "12"),
            ("Why is the sky blue?", "scatter"),
            ("Tell me a joke.", "bugs"),
            ("What colour is a banana?", "yellow"),
            ("Name a planet.", "Mars"),
            ("Thank you!", "welcome"),
        ];
        using var directory = new TemporaryDirectory();
        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);
        var options = new GptOssModelOptions { Precision = Precision.Float32 };
        await using var model = await GptOssModel.LoadAsync(folder, options, cancellationToken: TestContext.Current.CancellationToken);
        IChatClient client = model.AsIChatClient();

        foreach (var (prompt, answer) in expected)
        {
            var response = await client.GetResponseAsync(
                prompt, new ChatOptions { Temperature = 0, MaxOutputTokens = 160 }, TestContext.Current.CancellationToken);

            response.Text.Should().Contain(answer, "the question was '{0}'", prompt);
        }
    }
}
