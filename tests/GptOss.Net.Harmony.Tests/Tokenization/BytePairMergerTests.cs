using CsCheck;

namespace GptOss.Net.Harmony.Tests;

public sealed class BytePairMergerTests
{
    private static readonly Vocabulary Vocabulary = Vocabulary.Load();

    [Fact]
    public void The_queue_merges_as_the_plain_definition_does()
    {
        var bytes = Gen.OneOf(Gen.Byte, Texts.OneOf("aab eth \n\n--"u8.ToArray()));
        bytes.Array[1, 300].Sample(
            piece =>
            {
                var ids = new List<int>();
                new BytePairMerger(Vocabulary).Encode(piece, ids);
                return ids.SequenceEqual(MergePlainly(piece));
            },
            iter: Shared.Samples(2_000, 20_000));
    }

    [Fact]
    public void A_merger_can_be_used_again()
    {
        var merger = new BytePairMerger(Vocabulary);
        var (first, second) = (new List<int>(), new List<int>());
        merger.Encode("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"u8, [], TestContext.Current.CancellationToken);
        merger.Encode("qxzqxzqxz"u8, first, TestContext.Current.CancellationToken);
        new BytePairMerger(Vocabulary).Encode("qxzqxzqxz"u8, second, TestContext.Current.CancellationToken);
        first.Should().Equal(second);
    }

    [Fact]
    public void A_long_piece_can_be_cancelled()
    {
        var piece = new byte[100_000];
        piece.AsSpan().Fill((byte)'x');

        var encode = () => new BytePairMerger(Vocabulary).Encode(piece, [], new CancellationToken(canceled: true));

        encode.Should().Throw<OperationCanceledException>();
    }

    /// <summary>Joins the first pair of lowest rank until no pair is a token.</summary>
    private static IEnumerable<int> MergePlainly(byte[] piece)
    {
        if (Vocabulary.Find(piece) is var whole and >= 0)
        {
            return [whole];
        }

        var parts = piece.Select(value => new[] { value }).ToList();
        while (true)
        {
            var (best, rank) = (-1, int.MaxValue);
            for (var index = 0; index + 1 < parts.Count; index++)
            {
                var pair = Vocabulary.Find([.. parts[index], .. parts[index + 1]]);
                (best, rank) = pair >= 0 && pair < rank ? (index, pair) : (best, rank);
            }

            if (best < 0)
            {
                return parts.Select(part => Vocabulary.Find(part));
            }

            parts[best] = [.. parts[best], .. parts[best + 1]];
            parts.RemoveAt(best + 1);
        }
    }
}
