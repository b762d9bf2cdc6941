using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>The mixture of experts (openai/gpt-oss, torch/model.py: MLPBlock): top-k, then softmax over the chosen.</summary>
internal sealed class TorchExperts(ModelConfig config, TorchLinear router, IReadOnlyList<TorchExpert> experts) : IDisposable
{
    /// <summary>
    /// <paramref name="x"/>: float32 <c>[tokens, hidden]</c>, normalized; the result: float32 <c>[tokens, hidden]</c>.
    /// </summary>
    public Tensor Forward(Tensor x)
    {
        var (logits, chosen) = router.Forward(x).topk(config.ExpertsPerToken, -1); // [tokens, k]
        var weights = logits.softmax(-1);
        var result = zeros_like(x);
        foreach (var (expert, tokens, ranks) in GroupByExpert(chosen))
        {
            using var scope = NewDisposeScope();
            var index = tensor(tokens, device: x.device); // I64 [rows]
            var weight = weights.view(-1).index_select(0, tensor(ranks, device: x.device)).unsqueeze(1); // [rows, 1]
            var output = experts[expert].Forward(x.index_select(0, index));
            result.index_add_(0, index, output.mul_(weight), TorchScalars.One);
        }

        return result;
    }

    public void Dispose()
    {
        router.Dispose();
        foreach (var expert in experts)
        {
            expert.Dispose();
        }
    }

    /// <summary>For each expert in use, ascending: its tokens, and where their weights lie in <c>[tokens · k]</c>.</summary>
    private IEnumerable<(int Expert, long[] Tokens, long[] Ranks)> GroupByExpert(Tensor chosen)
    {
        var choices = chosen.cpu().data<long>().ToArray();
        return choices
            .Select((expert, rank) => (Expert: (int)expert, Rank: (long)rank))
            .GroupBy(choice => choice.Expert, choice => choice.Rank)
            .OrderBy(group => group.Key)
            .Select(group => (group.Key, group.Select(rank => rank / config.ExpertsPerToken).ToArray(), group.ToArray()));
    }
}
