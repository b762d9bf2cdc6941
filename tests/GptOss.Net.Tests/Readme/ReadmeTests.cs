using DemoModel;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Readme;

/// <summary>README.md shows only code that compiles, and that runs.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public void The_code_of_the_readme_is_compiled() =>
        DocumentCode.Missing(Read("README.md"), Read("ReadmeSnippets.cs")).Should()
            .BeEmpty("every paragraph of code stands in ReadmeSnippets.cs");

    [Fact]
    public async Task Tools_and_structured_output_run_as_the_readme_shows_them()
    {
        using var directory = new TemporaryDirectory();
        await using var model = await LoadAsync(directory);
        using var client = new ChatClientBuilder(model.AsIChatClient()).ConfigureOptions(options => options.Temperature = 0).Build();

        var (answer, capital) = await ReadmeSnippets.ToolsAndStructuredOutput(client);

        answer.Should().Be("It is 18 °C and sunny in Paris.");
        capital.Should().Be(new Capital("Paris", "France"));
    }

    [Fact]
    public async Task Tokens_and_logits_run_as_the_readme_shows_them()
    {
        using var directory = new TemporaryDirectory();
        await using var model = await LoadAsync(directory);

        var logits = await ReadmeSnippets.TokensAndLogits(model);

        logits.GetLength(0).Should().Be(3);
        logits.GetLength(1).Should().Be(model.VocabularySize);
        ReadmeSnippets.Statistics(model).GeneratedTokens.Should().BePositive();
    }

    private static async Task<GptOssModel> LoadAsync(TemporaryDirectory directory)
    {
        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken);
        var options = new GptOssModelOptions { Precision = Precision.Float32, MaxModelLength = 1_024, MaxSequences = 1 };
        return await GptOssModel.LoadAsync(folder, options, cancellationToken: TestContext.Current.CancellationToken);
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Readme", file));
}
