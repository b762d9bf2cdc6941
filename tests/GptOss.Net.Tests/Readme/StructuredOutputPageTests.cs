using GptOss.Net.Tests.Chat;

namespace GptOss.Net.Tests.Readme;

/// <summary>docs/structured-output.md shows only code that compiles; its grammar runs.</summary>
public sealed class StructuredOutputPageTests
{
    [Fact]
    public void The_code_of_the_page_is_compiled() =>
        DocumentCode.Missing(Read("structured-output.md"), Read("StructuredOutputSnippets.cs"), least: 2).Should()
            .BeEmpty("every paragraph of code stands in StructuredOutputSnippets.cs");

    [Theory]
    [InlineData("SELECT name FROM users WHERE age > 17")]
    [InlineData("SELECT * FROM users WHERE age > 17 AND name = 'Anna' OR name = 'Otto'")]
    public async Task A_grammar_runs_as_the_page_shows_it(string wanted)
    {
        using var chat = new ScriptedChat($"<|channel|>final<|message|>{wanted}");
        (await StructuredOutputSnippets.Grammar(chat.Client)).Should().Be(wanted);
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Readme", file));
}
