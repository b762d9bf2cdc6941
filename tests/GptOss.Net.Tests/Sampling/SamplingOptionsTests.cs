namespace GptOss.Net.Tests.Sampling;

public sealed class SamplingOptionsTests
{
    public static TheoryData<string, SamplingOptions> OutOfRange => new()
    {
        { "Temperature", new() { Temperature = -0.1 } },
        { "Temperature", new() { Temperature = 10.1 } },
        { "Temperature", new() { Temperature = double.NaN } },
        { "Temperature", new() { Temperature = double.PositiveInfinity } },
        { "TopP", new() { TopP = -0.1 } },
        { "TopP", new() { TopP = 1.1 } },
        { "TopP", new() { TopP = double.NaN } },
        { "TopK", new() { TopK = -1 } },
        { "MinP", new() { MinP = 2 } },
        { "MinP", new() { MinP = double.NaN } },
        { "RepetitionPenalty", new() { RepetitionPenalty = 0 } },
        { "RepetitionPenalty", new() { RepetitionPenalty = double.NaN } },
        { "PresencePenalty", new() { PresencePenalty = 2.1 } },
        { "FrequencyPenalty", new() { FrequencyPenalty = double.NegativeInfinity } },
        { "MaxOutputTokens", new() { MaxOutputTokens = 0 } },
        { "TopLogProbabilities", new() { LogProbabilities = true, TopLogProbabilities = 21 } },
        { "LogitBias", new() { LogitBias = new Dictionary<int, float> { [1_000] = 0 } } },
        { "LogitBias", new() { LogitBias = new Dictionary<int, float> { [-1] = 0 } } },
        { "LogitBias[5]", new() { LogitBias = new Dictionary<int, float> { [5] = float.NaN } } },
        { "LogitBias[5]", new() { LogitBias = new Dictionary<int, float> { [5] = 101 } } },
        { "StopTokenIds", new() { StopTokenIds = [1_000] } },
        { "StopSequences[1].Length", new() { StopSequences = ["a", new string('x', 1_001)] } },
    };

    public static TheoryData<string, SamplingOptions> Wrong => new()
    {
        { "TopLogProbabilities", new() { TopLogProbabilities = 3 } },
        { "LogitBias", new() { LogitBias = Enumerable.Range(0, 1_025).ToDictionary(id => id, _ => 0f) } },
        { "StopTokenIds", new() { StopTokenIds = [.. Enumerable.Range(0, 257)] } },
        { "StopTokenIds", new() { StopTokenIds = null! } },
        { "StopSequences", new() { StopSequences = [.. Enumerable.Repeat("x", 17)] } },
        { "StopSequences", new() { StopSequences = null! } },
        { "StopSequences", new() { StopSequences = ["x", ""] } },
    };

    [Theory]
    [MemberData(nameof(OutOfRange), DisableDiscoveryEnumeration = true)]
    public void A_value_out_of_range_is_refused_by_name(string name, SamplingOptions options)
    {
        var validate = () => options.Validate(1_000);

        validate.Should().Throw<ArgumentOutOfRangeException>().WithMessage("*must be from*").Which.ParamName.Should().Be(name);
    }

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void A_wrong_collection_or_combination_is_refused_by_name(string name, SamplingOptions options)
    {
        var validate = () => options.Validate(2_000);

        validate.Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
    }

    [Fact]
    public void The_defaults_and_the_limits_are_valid()
    {
        var limits = new SamplingOptions
        {
            Temperature = 0,
            TopP = 0,
            TopK = int.MaxValue,
            MinP = 1,
            RepetitionPenalty = 10,
            PresencePenalty = -2,
            FrequencyPenalty = 2,
            LogitBias = new Dictionary<int, float> { [999] = -100 },
            Seed = long.MinValue,
            MaxOutputTokens = 1,
            StopTokenIds = [0, 999],
            StopSequences = [new string('x', 1_000)],
            LogProbabilities = true,
            TopLogProbabilities = 20,
        };

        var validate = () =>
        {
            new SamplingOptions().Validate(1_000);
            limits.Validate(1_000);
        };

        validate.Should().NotThrow();
    }
}
