using GptOss.Net.Placement;
using static GptOss.Net.Tests.Placement.PlacementScenario;

namespace GptOss.Net.Tests.Placement;

/// <summary>gpt-oss-20b with a context of 32K tokens on cards of 24 GiB.</summary>
public class RealCardsTests
{
    // Of every weight in bfloat16: 201,088 rows of 2,880 values, and a 24th of what is neither that nor the final norm.
    private const long EmbeddingBytes = 1_158_266_880;
    private const long LayerBytes = 1_646_373_952;
    private const long FinalNormBytes = 5_760;

    private static readonly AvailableDevice[] TwoCards = [Gpu(0, 24 * GiB), Gpu(1, 24 * GiB)];

    [Fact]
    public void As_stored_it_fits_one_card() =>
        PlacementPlanner.Plan(Real(WeightFormats.AsStored, Gpu(0, 24 * GiB))).ToTable().Should().Be(
            """
            device  stage  layers                          weights    KV cache  workspace      total     budget       free
            cuda:0  0      embedding, 0-23, unembedding  12.82 GiB  819.38 MiB   1.25 GiB  14.87 GiB  24.00 GiB  24.00 GiB
            all                                          12.82 GiB  819.38 MiB   1.25 GiB  14.87 GiB  24.00 GiB  24.00 GiB
            """.ReplaceLineEndings("\n"));

    [Fact]
    public void As_stored_it_is_balanced_over_two_cards() =>
        PlacementPlanner.Plan(Real(WeightFormats.AsStored, TwoCards)).ToString().Should().Be(
            """
            device  stage  layers                weights    KV cache  workspace      total     budget       free
            cuda:0  0      embedding, 0-11      6.41 GiB  409.69 MiB   1.00 GiB   7.81 GiB  24.00 GiB  24.00 GiB
            cuda:1  1      12-23, unembedding   6.41 GiB  409.69 MiB   1.25 GiB   8.06 GiB  24.00 GiB  24.00 GiB
            all                                12.82 GiB  819.38 MiB   2.25 GiB  15.87 GiB  48.00 GiB  48.00 GiB
            """.ReplaceLineEndings("\n"));

    [Fact]
    public void As_bfloat16_it_fits_two_cards() =>
        PlacementPlanner.Plan(Real(WeightFormats.BFloat16, TwoCards)).ToTable().Should().Be(
            """
            device  stage  layers                weights    KV cache  workspace      total     budget       free
            cuda:0  0      embedding, 0-11     19.48 GiB  409.69 MiB   1.00 GiB  20.88 GiB  24.00 GiB  24.00 GiB
            cuda:1  1      12-23, unembedding  19.48 GiB  409.69 MiB   1.25 GiB  21.13 GiB  24.00 GiB  24.00 GiB
            all                                38.96 GiB  819.38 MiB   2.25 GiB  42.01 GiB  48.00 GiB  48.00 GiB
            """.ReplaceLineEndings("\n"));

    [Fact]
    public void As_bfloat16_each_card_holds_half_of_the_bytes() =>
        PlacementPlanner.Plan(Real(WeightFormats.BFloat16, TwoCards)).Devices.Select(device => device.WeightBytes)
            .Should().Equal(EmbeddingBytes + (12 * LayerBytes), EmbeddingBytes + (12 * LayerBytes) + FinalNormBytes);

    [Theory]
    [InlineData(2, 1, 32_768)]
    [InlineData(2, 4, 131_072)]
    [InlineData(3, 1, 32_768)]
    [InlineData(3, 4, 131_072)]
    public void Equal_cards_differ_by_less_than_a_tenth(int cards, int sequences, int tokens)
    {
        PlacementRequest request = Real(WeightFormats.AsStored, [.. Enumerable.Range(0, cards).Select(i => Gpu(i, 24 * GiB))]);

        PlacementPlan plan = PlacementPlanner.Plan(
            request with { KV = request.KV with { MaxSequences = sequences, MaxModelLength = tokens } });

        long[] bytes = [.. plan.Devices.Select(device => device.TotalBytes)];
        bytes.Min().Should().BeGreaterThan((long)(0.9 * bytes.Max()));
    }

    [Fact]
    public void As_bfloat16_it_does_not_fit_one_card() =>
        FluentActions.Invoking(() => PlacementPlanner.Plan(Real(WeightFormats.BFloat16, Gpu(0, 24 * GiB), Cpu(64 * GiB))))
            .Should().Throw<PlacementException>().Which.Message.Should().Be(
                "The model does not fit. cuda:0 (embedding, 0-23, unembedding) needs 41.01 GiB: weights 38.96 GiB, "
                + "keys and values of 1 × 32,768 tokens 819.38 MiB, workspace 1.25 GiB; but only 24.00 GiB is free. "
                + "It would fit with the weights as they are in the checkpoint, 12.82 GiB; or on the cpu, which is slower.");
}
