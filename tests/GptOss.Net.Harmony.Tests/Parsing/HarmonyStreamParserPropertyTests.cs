using System.Text;
using CsCheck;

namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyStreamParserPropertyTests(ITestOutputHelper output)
{
    [Fact]
    public void Transcripts_cut_after_any_token_parse_to_the_beginning_of_their_messages()
    {
        var transcripts = Transcripts.Fixed.Take(Shared.Samples(40, Transcripts.FixedCount)).ToArray();
        long cuts = 0;

        Parallel.ForEach(transcripts, ids =>
        {
            CutIsBeginning(ids).Should().BeTrue("of {0}", Shared.Tokenizer.Decode(ids));
            Interlocked.Add(ref cuts, ids.Length);
        });

        output.WriteLine($"{transcripts.Length} transcripts, {cuts:N0} cuts");
    }

    [Fact]
    public void A_framing_token_inserted_replaced_or_removed_anywhere_loses_no_text() =>
        Gen.Select(Transcripts.Any, Gen.Int, Texts.OneOf(Transcripts.Framing), Gen.Int[0, 2]).Sample(
            (ids, place, token, change) => AllTextIsAccountedFor(Change(ids, (int)((uint)place % ids.Length), token, change)),
            iter: Shared.Samples(3_000, 200_000));

    [Fact]
    public void Every_framing_token_inserted_or_replaced_at_every_position_loses_no_text()
    {
        var transcripts = Transcripts.Fixed.Take(Shared.Samples(2, Transcripts.FixedCount)).ToArray();
        long changes = 0;

        Parallel.ForEach(transcripts, ids =>
        {
            for (var position = 0; position < ids.Length; position++)
            {
                var changed =
                    Transcripts.Framing.SelectMany(token => new[] { Change(ids, position, token, 0), Change(ids, position, token, 1) })
                        .Append(Change(ids, position, 0, 2));
                foreach (var mutated in changed)
                {
                    AllTextIsAccountedFor(mutated).Should().BeTrue("of {0}", Shared.Tokenizer.Decode(mutated));
                    Interlocked.Increment(ref changes);
                }
            }
        });

        output.WriteLine($"{transcripts.Length} transcripts, {changes:N0} changes");
    }

    [Fact]
    public void Random_tokens_lose_no_text() => Gen.OneOf(
        Texts.OneOf(Transcripts.Framing), Gen.Int[0, 199_997],
        Texts.OneOf<int>(35644, 17196, 316, 28, 44580, 173781, 220)).Array[0, 60].Sample(
        AllTextIsAccountedFor,
        iter: Shared.Samples(3_000, 200_000));

    [Fact]
    public void Any_numbers_are_taken() => Gen.Int.Array[0, 40].Sample(
        ids => ParsedMessage.All(ids).Count >= 0,
        iter: Shared.Samples(1_000, 100_000));

    private static bool CutIsBeginning(int[] ids)
    {
        var whole = ParsedMessage.All(ids);
        for (var length = 0; length < ids.Length; length++)
        {
            var cut = ParsedMessage.All(ids.Take(length));
            for (var index = 0; index < cut.Count; index++)
            {
                var isOpen = cut[index].Ending == MessageEnding.Truncated;
                var expected = isOpen ? cut[index].Text.TrimEnd('\uFFFD') : cut[index].Text;
                var isPart = isOpen
                    ? whole[index].Text.StartsWith(expected, StringComparison.Ordinal) && index == cut.Count - 1
                    : string.Equals(whole[index].Text, expected, StringComparison.Ordinal);
                if (!isPart || !string.Equals(whole[index].Header.RawText, cut[index].Header.RawText, StringComparison.Ordinal))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Tokens with one inserted (change 0), replaced (1) or removed (2).</summary>
    private static int[] Change(int[] ids, int position, int token, int change) =>
        [.. ids[..position], .. change == 2 ? [] : new[] { token }, .. ids[(change == 0 ? position : position + 1)..]];

    /// <summary>Every character is in a header, in a body, or in a header that came to nothing, in this order.</summary>
    private static bool AllTextIsAccountedFor(int[] ids)
    {
        var parser = new HarmonyStreamParser(Shared.Tokenizer);
        var (expected, found) = (new StringBuilder(), new StringBuilder());
        var segment = new List<int>();
        foreach (var id in ids)
        {
            var isFrame = IsFrame(id) || id == (parser.State == HarmonyParserState.Content ? ControlToken.Channel : ControlToken.Message);
            var pending = string.Empty;
            if (isFrame)
            {
                var text = Shared.Tokenizer.Decode(segment);
                expected.Append(text);
                pending = parser.State == HarmonyParserState.Header ? text : string.Empty;
                segment.Clear();
            }
            else
            {
                segment.Add(id);
            }

            Account(parser.Append(id), pending, found);
        }

        var isInHeader = parser.State == HarmonyParserState.Header; // whose last token may still wait for the rest of a character
        found.Append(parser.PendingHeader);
        Account(parser.Finish(), string.Empty, found);
        expected.Append(Shared.Tokenizer.Decode(segment));
        return isInHeader
            ? Comparable(expected).StartsWith(Comparable(found), StringComparison.Ordinal)
            : string.Equals(Comparable(found), Comparable(expected), StringComparison.Ordinal);
    }

    private static void Account(IReadOnlyList<HarmonyStreamEvent> events, string pending, StringBuilder found)
    {
        // The raw text of a header that starts and ends at once includes the body; a header that starts nothing is the pending one.
        var isStart = events is [{ Kind: HarmonyStreamEventKind.MessageStarted }, ..];
        found.Append(isStart ? events[0].Header.RawText : string.Concat(events.Select(next => next.Text)) + pending);
    }

    private static bool IsFrame(int id) =>
        id is ControlToken.Start or ControlToken.End or ControlToken.Return or ControlToken.Call or ControlToken.EndOfText;

    // A channel token is kept in a header only; parts of characters at the edges are decoded apart.
    private static string Comparable(StringBuilder text) =>
        text.Replace("<|channel|>", string.Empty).Replace("\uFFFD", string.Empty).ToString();
}
