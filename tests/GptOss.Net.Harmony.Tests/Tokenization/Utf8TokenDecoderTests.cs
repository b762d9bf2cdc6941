using System.Text;
using CsCheck;

namespace GptOss.Net.Harmony.Tests;

public sealed class Utf8TokenDecoderTests
{
    [Fact]
    public void An_incomplete_character_is_kept_back()
    {
        var decoder = new Utf8TokenDecoder(Shared.Tokenizer);
        decoder.Append(9552).Should().BeEmpty();
        decoder.Append([0x91]).Should().BeEmpty();
        decoder.Append([0x8B]).Should().Be(" 👋");
        decoder.Flush().Should().BeEmpty();
    }

    [Fact]
    public void What_never_completes_becomes_a_replacement_character_once()
    {
        var decoder = new Utf8TokenDecoder(Shared.Tokenizer);
        decoder.Append([0xF0, 0x9F]).Should().BeEmpty();
        decoder.Flush().Should().Be("\uFFFD");
        decoder.Flush().Should().BeEmpty();
        decoder.Append("a"u8).Should().Be("a");
    }

    [Fact]
    public void An_invalid_byte_does_not_swallow_what_follows()
    {
        var decoder = new Utf8TokenDecoder(Shared.Tokenizer);
        decoder.Append([0xF0, 0x9F]).Should().BeEmpty();
        decoder.Append("a"u8).Should().Be("\uFFFDa");
        decoder.Append([0xFF]).Should().Be("\uFFFD");
    }

    [Fact]
    public void Characters_that_never_complete_do_not_pile_up()
    {
        var decoder = new Utf8TokenDecoder(Shared.Tokenizer);
        var texts = Enumerable.Range(0, 10).Select(_ => decoder.Append(9552)).ToList();
        texts.Should().Equal([string.Empty, .. Enumerable.Repeat(" \uFFFD ", 1), .. Enumerable.Repeat("\uFFFD ", 8)]);
    }

    [Fact]
    public void Bytes_cut_anywhere_give_the_same_text() => Gen.Select(Texts.Any, Gen.Int[1, 5]).Sample(
        (text, size) =>
        {
            var decoder = new Utf8TokenDecoder(Shared.Tokenizer);
            var parts = Encoding.UTF8.GetBytes(text).Chunk(size).Select(chunk => decoder.Append(chunk)).Append(decoder.Flush()).ToList();
            return string.Equals(string.Concat(parts), text, StringComparison.Ordinal)
                && parts.All(part => part.Length == 0 || (!char.IsLowSurrogate(part[0]) && !char.IsHighSurrogate(part[^1])));
        },
        iter: Shared.Samples(2_000, 100_000));

    [Fact]
    public void Random_bytes_decode_as_at_once() => Gen.Byte.Array[0, 60].Sample(
        bytes =>
        {
            var decoder = new Utf8TokenDecoder(Shared.Tokenizer);
            var text = string.Concat(bytes.Select(value => decoder.Append([value]))) + decoder.Flush();
            return string.Equals(text, Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        },
        iter: Shared.Samples(2_000, 100_000));
}
