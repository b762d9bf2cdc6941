namespace GptOss.Net.Harmony.Tests;

public sealed class ControlTokenTests
{
    [Fact]
    public void Every_id_and_its_spelling_lead_to_each_other()
    {
        for (var id = ControlToken.First; id <= ControlToken.Last; id++)
        {
            ControlToken.TryGetId(ControlToken.GetSpelling(id), out var found).Should().BeTrue();
            found.Should().Be(id);
            Shared.Tokenizer.Decode([id]).Should().Be(ControlToken.GetSpelling(id));
        }

        Spellings.All.Should().HaveCount(1092).And.OnlyHaveUniqueItems();
    }

    [Theory]
    [InlineData(199998, "<|startoftext|>")]
    [InlineData(199999, "<|endoftext|>")]
    [InlineData(200002, "<|return|>")]
    [InlineData(200003, "<|constrain|>")]
    [InlineData(200004, "<|reserved_200004|>")]
    [InlineData(200005, "<|channel|>")]
    [InlineData(200006, "<|start|>")]
    [InlineData(200007, "<|end|>")]
    [InlineData(200008, "<|message|>")]
    [InlineData(200012, "<|call|>")]
    [InlineData(200014, "<|reserved_200014|>")]
    [InlineData(201088, "<|reserved_201088|>")]
    public void Spellings_are_the_official_ones(int id, string spelling) => ControlToken.GetSpelling(id).Should().Be(spelling);

    [Fact]
    public void End_of_prompt_is_a_second_spelling()
    {
        ControlToken.TryGetId("<|endofprompt|>", out var id).Should().BeTrue();
        id.Should().Be(200018);
    }

    [Theory]
    [InlineData("")]
    [InlineData("start")]
    [InlineData("<|refusal|>")]
    [InlineData("<|reserved_200002|>")]
    [InlineData("<|reserved_0200004|>")]
    [InlineData("<|reserved_201089|>")]
    [InlineData("<|reserved_|>")]
    public void Other_text_is_no_control_token(string text)
    {
        ControlToken.TryGetId(text, out var id).Should().BeFalse();
        id.Should().Be(-1);
    }

    [Theory]
    [InlineData(199997, false)]
    [InlineData(199998, true)]
    [InlineData(201088, true)]
    [InlineData(201089, false)]
    [InlineData(-1, false)]
    public void Control_ids_are_a_range(int id, bool expected) => ControlToken.IsControl(id).Should().Be(expected);

    [Fact]
    public void An_ordinary_id_has_no_spelling() =>
        FluentActions.Invoking(() => ControlToken.GetSpelling(199997)).Should().Throw<ArgumentOutOfRangeException>();
}
