using CsCheck;
using Microsoft.ML.Tokenizers;

namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyTokenizerTests
{
    private static HarmonyTokenizer Tokenizer => Shared.Tokenizer;

    [Theory]
    [InlineData("hello world", 24912, 2375)]
    [InlineData("assistant", 173781)]
    [InlineData("user", 1428)]
    [InlineData("system", 17360)]
    [InlineData("developer", 77944)]
    [InlineData("functions", 44580)]
    [InlineData("analysis", 35644)]
    [InlineData("final", 17196)]
    [InlineData("commentary", 12606, 815)]
    [InlineData(" to=", 316, 28)]
    [InlineData(" json", 5701)]
    [InlineData("json", 4108)]
    [InlineData(" code", 3490)]
    [InlineData(" ", 220)]
    [InlineData("_weather", 170154)]
    [InlineData(" to=functions.get_weather", 316, 28, 44580, 775, 170154)]
    [InlineData("<|start|>", 27, 91, 5236, 91, 29)]
    [InlineData("<|end|>", 27, 91, 419, 91, 29)]
    [InlineData("<|message|>", 27, 91, 3938, 91, 29)]
    [InlineData("<|channel|>", 27, 91, 21453, 91, 29)]
    [InlineData("<|call|>", 27, 91, 9925, 91, 29)]
    [InlineData("<|return|>", 27, 91, 1034, 91, 29)]
    [InlineData("<|constrain|>", 27, 91, 542, 141043, 91, 29)]
    public void Known_texts_have_known_tokens(string text, params int[] ids) => Tokenizer.Encode(text).Should().Equal(ids);

    [Fact]
    public void The_vocabulary_has_the_size_of_the_models_embedding() => HarmonyTokenizer.VocabularySize.Should().Be(201_088);

    [Fact]
    public void No_spelling_of_a_control_token_becomes_one()
    {
        foreach (var spelling in Spellings.All)
        {
            var ids = Tokenizer.Encode($"a{spelling}{spelling} b");
            ids.Should().NotContain(id => ControlToken.IsControl(id));
            Tokenizer.Decode(ids).Should().Be($"a{spelling}{spelling} b");
        }
    }

    [Fact]
    public void Decoding_what_was_encoded_gives_the_text_back() => Texts.Any.Sample(
        text => string.Equals(Tokenizer.Decode(Tokenizer.Encode(text)), text, StringComparison.Ordinal),
        iter: Shared.Samples(3_000, 300_000));

    [Fact]
    public void No_text_has_fewer_tokens_than_its_least() =>
        Gen.OneOf(Texts.Any, Texts.OneOf(" =-xab漢\n".ToCharArray()).Array[0, 2_000].Select(letters => new string(letters))).Sample(
            text => Tokenizer.LeastTokens(text) <= Tokenizer.Encode(text).Length,
            iter: Shared.Samples(3_000, 300_000));

    [Fact]
    public void Tokens_equal_those_of_another_tokenizer()
    {
        // Its regular expression sees UTF-16 units, so it is right only within the first 65,536 code points.
        var other = TiktokenTokenizer.CreateForEncoding("o200k_base");
        Texts.Basic.Sample(
            text => Tokenizer.Encode(text).SequenceEqual(other.EncodeToIds(text, considerNormalization: false)),
            iter: Shared.Samples(3_000, 300_000));
    }

    [Fact]
    public void Bytes_of_a_token_may_be_part_of_a_character() => Tokenizer.GetBytes(9552).ToArray().Should().Equal(0x20, 0xF0, 0x9F);

    [Fact]
    public void Bytes_that_are_not_text_decode_to_replacement_characters() =>
        Tokenizer.Decode([132990, 9552]).Should().EndWith(" \uFFFD");

    [Fact]
    public void Every_id_has_bytes()
    {
        for (var id = 0; id <= ControlToken.Last; id++)
        {
            Tokenizer.TryGetBytes(id, out var bytes).Should().BeTrue();
            bytes.IsEmpty.Should().BeFalse();
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(201_089)]
    [InlineData(99_999_999)]
    public void An_id_that_does_not_exist_is_refused(int id)
    {
        FluentActions.Invoking(() => Tokenizer.Decode([id])).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => Tokenizer.GetBytes(id).Length).Should().Throw<ArgumentOutOfRangeException>();
        Tokenizer.TryGetBytes(id, out _).Should().BeFalse();
    }

    [Theory]
    [InlineData("a")]
    [InlineData("A")]
    [InlineData("-")]
    [InlineData(" ")]
    [InlineData("汉")]
    [InlineData("\u0301")]
    [InlineData(" \n")]
    [InlineData("👩‍👩‍👧")]
    [InlineData("7")]
    public void The_longest_pieces_are_encoded_completely(string unit)
    {
        var text = string.Concat(Enumerable.Repeat(unit, Shared.Samples(100_000, 1_300_000) / unit.Length));
        var ids = Tokenizer.Encode(text);
        string.Equals(Tokenizer.Decode(ids), text, StringComparison.Ordinal).Should().BeTrue();
        ids.Max().Should().BeLessThan(ControlToken.First);
    }
}
