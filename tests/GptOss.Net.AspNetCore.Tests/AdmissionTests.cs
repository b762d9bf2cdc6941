using System.Net;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>How many answers a server takes at the same time.</summary>
public sealed class AdmissionTests
{
    [Theory]
    [InlineData(null, null, 128)]
    [InlineData(null, 4, 68)]
    [InlineData(null, 64, 128)]
    [InlineData(null, 256, 512)]
    [InlineData(3, 256, 3)]
    public void Without_a_number_as_many_are_taken_as_run_at_once_and_as_many_again(int? set, int? running, int expected)
    {
        var admission = new Admission(new OpenAIServerOptions { MaxConcurrentAnswers = set }, () => running);

        using var all = admission.Enter("somebody", expected);

        admission.Invoking(full => full.Enter("another", 1)).Should().Throw<RequestError>()
            .Where(error => error.Status == (int)HttpStatusCode.TooManyRequests).WithMessage($"*takes {expected}*");
    }

    [Fact]
    public void Each_answer_to_one_prompt_counts()
    {
        var admission = new Admission(new OpenAIServerOptions { MaxConcurrentAnswers = 8 }, () => null);

        using var first = admission.Enter("somebody", 5);

        admission.Invoking(full => full.Enter("somebody", 4)).Should().Throw<RequestError>();
        using var second = admission.Enter("somebody", 3);
        admission.Answers.Should().Be(8);
    }
}
