using GptOss.Net.Harmony;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class TokenPenaltiesTests
{
    [Fact]
    public void Repetition_covers_prompt_and_output_on_both_signs()
    {
        var penalties = new TokenPenalties(new SamplingOptions { RepetitionPenalty = 2 }, [1]);
        penalties.Accept(2);

        Apply(penalties, [4, 4, -4, 4]).Should().Equal(4, 2, -8, 4);
    }

    [Fact]
    public void Presence_counts_output_tokens_once()
    {
        var penalties = new TokenPenalties(new SamplingOptions { PresencePenalty = 0.5 }, [1]);
        penalties.Accept(2);
        penalties.Accept(2);

        Apply(penalties, [4, 4, 4]).Should().Equal(4, 4, 3.5f);
    }

    [Fact]
    public void Frequency_counts_output_tokens_each_time()
    {
        var penalties = new TokenPenalties(new SamplingOptions { FrequencyPenalty = 0.5 }, [1]);
        penalties.Accept(2);
        penalties.Accept(2);

        Apply(penalties, [4, 4, 4]).Should().Equal(4, 4, 3);
    }

    [Fact]
    public void Control_tokens_are_never_penalised()
    {
        var controls = Enumerable.Range(ControlToken.First, 201_088 - ControlToken.First).Append(ControlToken.End).ToArray();
        var penalties = new TokenPenalties(
            new SamplingOptions { RepetitionPenalty = 5, PresencePenalty = 2, FrequencyPenalty = 2 }, controls);
        foreach (var token in controls)
        {
            penalties.Accept(token);
        }

        penalties.Accept(ControlToken.First - 1);
        var logits = new float[201_088];
        logits.AsSpan().Fill(1);
        penalties.Apply(logits);

        logits.Where(logit => logit != 1).Should().ContainSingle();
        logits[ControlToken.First - 1].Should().Be(0.2f - 4);
    }

    [Fact]
    public void Message_headers_are_neither_counted_nor_penalised()
    {
        // <|start|>assistant of the prompt opens a header: token 1 stands for "assistant", 2 for "analysis", 3 for text.
        var penalties = new TokenPenalties(new SamplingOptions { PresencePenalty = 1 }, [3, ControlToken.Start, 1]);
        penalties.Accept(ControlToken.Channel);
        penalties.Accept(2);
        penalties.Accept(ControlToken.Message);
        penalties.Accept(3);

        Apply(penalties, [0, 0, 0, 0]).Should().Equal(0, 0, 0, -1);

        penalties.Accept(ControlToken.End);
        penalties.Accept(ControlToken.Start);
        penalties.Accept(1);

        Apply(penalties, [0, 0, 0, 0]).Should().Equal(0, 0, 0, 0);
    }

    private static float[] Apply(TokenPenalties penalties, float[] logits)
    {
        penalties.Apply(logits);
        return logits;
    }
}
