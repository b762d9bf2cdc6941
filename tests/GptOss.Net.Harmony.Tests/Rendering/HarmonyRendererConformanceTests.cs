namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyRendererConformanceTests
{
    public static TheoryData<string> Cases => HarmonyCases.Names("render");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Prompts_equal_those_of_the_official_library(string name)
    {
        var expected = HarmonyCases.Named(name);
        var renderer = new HarmonyRenderer(Shared.Tokenizer, new HarmonyRendererOptions
        {
            SchemaRendering = SchemaRendering.Exact,
            AnalysisHistory = expected.Keyword("auto_drop_analysis")!.Value.GetBoolean() ? AnalysisHistory.Reference : AnalysisHistory.All,
        });

        var tokens = renderer.RenderForCompletion(HarmonyCases.Messages(expected, "messages"));

        Shared.Tokenizer.Decode(tokens).Should().Be(expected.StringKeyword("expected_text"));
        tokens.Should().Equal(HarmonyCases.Tokens(expected, "expected_tokens"));
    }
}
