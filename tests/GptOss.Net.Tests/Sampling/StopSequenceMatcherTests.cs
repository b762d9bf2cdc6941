using CsCheck;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class StopSequenceMatcherTests
{
    private static readonly long Samples = LongTests.Scale(10_000);

    [Fact]
    public void Text_before_the_stop_is_returned_and_the_rest_swallowed()
    {
        var matcher = new StopSequenceMatcher(["END"]);

        matcher.Append("abcENDdef").Should().Be("abc");
        matcher.IsStopped.Should().BeTrue();
        matcher.Append("more").Should().BeEmpty();
        matcher.Flush().Should().BeEmpty();
    }

    [Fact]
    public void A_possible_beginning_is_withheld_until_decided()
    {
        var matcher = new StopSequenceMatcher(["END"]);

        matcher.Append("abE").Should().Be("ab");
        matcher.Append("N").Should().BeEmpty();
        matcher.Append("x").Should().Be("ENx");
        matcher.IsStopped.Should().BeFalse();
    }

    [Fact]
    public void Flush_returns_what_was_withheld()
    {
        var matcher = new StopSequenceMatcher(["END"]);
        matcher.Append("abEN");

        matcher.Flush().Should().Be("EN");
        matcher.Append("D").Should().Be("D");
    }

    [Fact]
    public void Of_sequences_complete_together_the_longest_counts() =>
        new StopSequenceMatcher(["c", "abc", "bc"]).Append("xabc").Should().Be("x");

    [Fact]
    public void The_sequence_complete_first_counts() =>
        new StopSequenceMatcher(["abcd", "bc"]).Append("xabcd").Should().Be("xa");

    [Fact]
    public void Without_sequences_text_passes_unchanged()
    {
        var piece = new string('a', 5);

        new StopSequenceMatcher([]).Append(piece).Should().BeSameAs(piece);
    }

    [Fact]
    public void Long_near_misses_take_linear_time()
    {
        var matcher = new StopSequenceMatcher([new string('a', 999) + "b"]);
        var text = new string('a', 200_000);

        (matcher.Append(text) + matcher.Flush()).Should().Be(text);
    }

    [Fact]
    public void Any_split_gives_what_searching_the_whole_text_gives() =>
        Gen.Select(Gen.String[Gen.Char["ab<"], 0, 40], Gen.String[Gen.Char["ab<"], 1, 5].Array[0, 4], Gen.Int[0, 40].Array[0, 10]).Sample(
            (text, stops, cuts) =>
            {
                var matcher = new StopSequenceMatcher(stops);
                var (shown, start) = ("", 0);
                foreach (var cut in cuts.Select(cut => Math.Min(cut, text.Length)).Append(text.Length).Order())
                {
                    shown += matcher.Append(text[start..cut]);
                    (Search(text, stops) ?? text).Should().StartWith(shown);
                    start = cut;
                }

                matcher.IsStopped.Should().Be(Search(text, stops) is not null);
                (shown + matcher.Flush()).Should().Be(Search(text, stops) ?? text);
            },
            iter: Samples);

    /// <summary>The text before the stop sequence that ends first, the longest of those; null if there is none.</summary>
    private static string? Search(string text, string[] stops)
    {
        var found = stops.Select(stop => (Stop: stop, Start: text.IndexOf(stop, StringComparison.Ordinal)))
            .Where(match => match.Start >= 0)
            .OrderBy(match => match.Start + match.Stop.Length).ThenBy(match => match.Start).ToList();
        return found.Count == 0 ? null : text[..found[0].Start];
    }
}
