namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyTokenizerConformanceTests
{
    public static TheoryData<int> Cases => [.. Enumerable.Range(0, HarmonyCases.Read("tokenizer.jsonl").Count)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tokens_equal_those_of_the_official_library(int index)
    {
        var expected = HarmonyCases.Read("tokenizer.jsonl")[index];
        var text = expected.StringKeyword("text")!;

        var tokens = Shared.Tokenizer.Encode(text);

        tokens.Should().Equal(HarmonyCases.Tokens(expected, "tokens"));
        Shared.Tokenizer.Decode(tokens).Should().Be(text);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_encoded_as_the_replacement_character() =>
        Shared.Tokenizer.Encode("\ud83d broken").Should().Equal(3251, 17162);
}
