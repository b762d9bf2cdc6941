using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DemoModelTrainer.Training;

/// <summary>
/// gpt-oss in small over a compact vocabulary, in float32 with weights rounded as the checkpoint will hold them.
/// Row 0 of the embedding stands for every token without a row of its own.
/// </summary>
internal sealed class NanoModel : Module<Tensor, Tensor, (Tensor Logits, Tensor Imbalance)>
{
    /// <summary>The longest sequence that can be trained or generated here, in tokens.</summary>
    public const int MaxPositions = 1024;

    private readonly RotaryTable _rotary;
    private readonly Tensor _outputBias;

    /// <param name="config">The shape.</param>
    /// <param name="vocabularySize">Rows of the embedding, the shared row included.</param>
    /// <param name="sharedCount">How many tokens share row 0.</param>
    /// <param name="generator">Source of the initial weights.</param>
    public NanoModel(NanoConfig config, int vocabularySize, int sharedCount, Generator generator)
        : base(nameof(NanoModel))
    {
        Config = config;
        _rotary = new RotaryTable(config, MaxPositions);
        Embedding = Initial.Matrix(generator, config.HiddenSize, vocabularySize, config.HiddenSize);
        Attention = new ModuleList<AttentionBlock>(
            [.. Enumerable.Range(0, config.LayerCount).Select(_ => new AttentionBlock(config, _rotary, generator))]);
        Experts = new ModuleList<ExpertBlock>(
            [.. Enumerable.Range(0, config.LayerCount).Select(_ => new ExpertBlock(config, generator))]);
        FinalNorm = Parameter(ones(config.HiddenSize));

        // In the softmax the shared row counts once for every token that uses it.
        _outputBias = zeros(vocabularySize).DetachFromDisposeScope();
        _outputBias[0] = (float)Math.Log(sharedCount);
        RegisterComponents();
    }

    public NanoConfig Config { get; }

    /// <summary>Gets the embedding, <c>[vocabulary, hidden]</c>, which is the output projection too.</summary>
    public Parameter Embedding { get; }

    public ModuleList<AttentionBlock> Attention { get; }

    public ModuleList<ExpertBlock> Experts { get; }

    public Parameter FinalNorm { get; }

    /// <param name="tokens">Compact ids, <c>[batch, tokens]</c>.</param>
    /// <param name="wanted">Flat positions whose next token is predicted, <c>[n]</c>.</param>
    /// <returns>Logits <c>[n, vocabulary]</c> and the mean imbalance of the experts.</returns>
    public override (Tensor Logits, Tensor Imbalance) forward(Tensor tokens, Tensor wanted)
    {
        var embedding = FakeQuantization.ToBFloat16(Embedding);
        var (batch, length) = (tokens.shape[0], tokens.shape[1]);
        var x = embedding.index_select(0, tokens.flatten()).view(batch, length, Config.HiddenSize);
        var masks = new[] { Mask(length, Config.SlidingWindow), Mask(length, length) };
        var imbalance = zeros(1);
        for (var layer = 0; layer < Config.LayerCount; layer++)
        {
            x = Attention[layer].call(x, masks[NanoConfig.IsSliding(layer) ? 0 : 1]).view(-1, Config.HiddenSize);
            if (layer == Config.LayerCount - 1)
            {
                x = x.index_select(0, wanted); // nothing after the last attention looks at other positions
            }

            var (output, unevenness) = Experts[layer].call(x);
            imbalance += unevenness / Config.LayerCount;
            x = layer == Config.LayerCount - 1 ? output : output.view(batch, length, Config.HiddenSize);
        }

        var normed = RmsNorm.Apply(x, FinalNorm, Config.RmsNormEpsilon);
        return (functional.linear(normed, embedding) + _outputBias, imbalance);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rotary.Dispose();
            _outputBias.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Zeros where a token may look and minus infinity elsewhere, <c>[tokens, tokens + 1]</c>; all see the sink.</summary>
    private static Tensor Mask(long length, long window)
    {
        var visible = ones(length, length, ScalarType.Bool);
        visible = visible.tril().logical_and(visible.triu(1 - window));
        visible = functional.pad(visible.to(ScalarType.Float32), [0, 1], value: 1);
        return zeros_like(visible).masked_fill(visible.eq(0), float.NegativeInfinity);
    }
}
