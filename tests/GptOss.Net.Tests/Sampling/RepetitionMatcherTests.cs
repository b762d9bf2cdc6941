using CsCheck;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class RepetitionMatcherTests
{
    [Fact]
    public void It_finds_what_a_plain_search_finds() => Gen.Select(Gen.Int[0, 2].Array[0, 40], Gen.Int[2, 4]).Sample(
        (tokens, limit) =>
        {
            var matcher = new RepetitionMatcher(limit);
            for (var end = 1; end <= tokens.Length; end++)
            {
                if (matcher.Append(tokens[end - 1]) != Repeats(tokens[..end], limit))
                {
                    return false;
                }
            }

            return true;
        },
        iter: LongTests.Scale(2_000));

    [Theory]
    [InlineData(RepetitionMatcher.MaxPassage, true)]
    [InlineData(RepetitionMatcher.MaxPassage + 1, false)]
    public void Passages_have_a_greatest_length(int length, bool isFound)
    {
        var matcher = new RepetitionMatcher(2);

        bool[] found = [.. Enumerable.Range(0, 2 * length).Select(i => matcher.Append(i % length))];

        found[^1].Should().Be(isFound);
    }

    [Fact]
    public void Another_text_begins_anew()
    {
        var matcher = new RepetitionMatcher(2);
        matcher.Append(1).Should().BeFalse();
        matcher.Begin();

        matcher.Append(1).Should().BeFalse();
        matcher.Append(1).Should().BeTrue();
    }

    private static bool Repeats(int[] tokens, int limit) => Enumerable.Range(1, tokens.Length).Any(length =>
        length * limit <= tokens.Length
        && Enumerable.Range(tokens.Length - (length * limit), length * (limit - 1)).All(i => tokens[i] == tokens[i + length]));
}
