using DemoModelTrainer.Encoding;
using DemoModelTrainer.Training;
using GptOss.Net.Harmony;
using static TorchSharp.torch;

namespace DemoModelTrainer.Evaluation;

/// <summary>Continues a prompt with the most likely token again and again; the whole text is computed anew for every token.</summary>
internal sealed class GreedyGenerator(NanoModel model, CompactVocabulary vocabulary)
{
    private const int MostTokens = 160;

    /// <returns>Real token ids, up to and with the one that ended the answer.</returns>
    public int[] Generate(IEnumerable<int> prompt)
    {
        var tokens = prompt.Select(id => (long)vocabulary.ToCompact(id)).ToList();
        List<int> written = [];
        while (written.Count < MostTokens && written is not [.., ControlToken.Return or ControlToken.Call])
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad();
            var (logits, _) = model.call(tensor(tokens.ToArray(), [1, tokens.Count]), tensor([tokens.Count - 1L]));
            logits[0, 0] = float.NegativeInfinity; // the shared row is no single token
            var next = logits.argmax().item<long>();
            tokens.Add(next);
            written.Add(vocabulary.TokenIds[(int)next]);
        }

        return [.. written];
    }
}
