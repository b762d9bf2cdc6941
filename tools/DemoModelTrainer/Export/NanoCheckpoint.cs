using System.Runtime.InteropServices;
using DemoModelTrainer.Encoding;
using DemoModelTrainer.Training;
using GptOss.Net.Checkpoint;
using GptOss.Net.Model;
using GptOss.Net.Quantization;
using GptOss.Net.TestUtils;
using static TorchSharp.torch;

namespace DemoModelTrainer.Export;

/// <summary>Writes the model as a checkpoint of gpt-oss: Hugging Face names, bfloat16, MXFP4 experts, the whole vocabulary.</summary>
internal sealed class NanoCheckpoint(NanoModel model, CompactVocabulary vocabulary)
{
    private const string GenerationConfig =
        """
        {
          "bos_token_id": 199998,
          "do_sample": true,
          "eos_token_id": [200002, 199999, 200012],
          "pad_token_id": 199999
        }

        """;

    private readonly SafetensorsWriter _writer = new();
    private readonly NanoConfig _config = model.Config;

    public void Write(string folder)
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        AddEmbedding();
        AddBFloat16("model.norm.weight", model.FinalNorm);
        for (var layer = 0; layer < _config.LayerCount; layer++)
        {
            AddAttention($"model.layers.{layer}.", model.Attention[layer]);
            AddExperts($"model.layers.{layer}.", model.Experts[layer]);
        }

        CheckpointWriter.Write(folder, ToModelConfig(), _writer);
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), GenerationConfig);
    }

    private void AddEmbedding()
    {
        var rows = ToBFloat16(model.Embedding);
        var width = _config.HiddenSize;
        _writer.Add("model.embed_tokens.weight", TensorType.BF16, [CompactVocabulary.FullSize, width], stream =>
        {
            for (var token = 0; token < CompactVocabulary.FullSize; token++)
            {
                stream.Write(MemoryMarshal.AsBytes(rows.AsSpan(vocabulary.ToCompact(token) * width, width)));
            }
        });
    }

    private void AddAttention(string layer, AttentionBlock block)
    {
        AddBFloat16(layer + "input_layernorm.weight", block.Norm);
        AddBFloat16(layer + "self_attn.sinks", block.Sinks);
        var start = 0L;
        foreach (var (name, size) in new[] { ("q", _config.QuerySize), ("k", _config.KVSize), ("v", _config.KVSize) })
        {
            AddBFloat16($"{layer}self_attn.{name}_proj.weight", block.QkvWeight.narrow(0, start, size));
            AddBFloat16($"{layer}self_attn.{name}_proj.bias", block.QkvBias.narrow(0, start, size));
            start += size;
        }

        AddBFloat16(layer + "self_attn.o_proj.weight", block.OutputWeight);
        AddBFloat16(layer + "self_attn.o_proj.bias", block.OutputBias);
    }

    private void AddExperts(string layer, ExpertBlock block)
    {
        AddBFloat16(layer + "post_attention_layernorm.weight", block.Norm);
        AddBFloat16(layer + "mlp.router.weight", block.RouterWeight);
        AddBFloat16(layer + "mlp.router.bias", block.RouterBias);
        AddMxfp4(layer + "mlp.experts.gate_up_proj", Interleave(block.GateUpWeight));
        AddBFloat16(layer + "mlp.experts.gate_up_proj_bias", Interleave(block.GateUpBias));
        AddMxfp4(layer + "mlp.experts.down_proj", block.DownWeight);
        AddBFloat16(layer + "mlp.experts.down_proj_bias", block.DownBias);
    }

    /// <summary>From all gate rows before all up rows to gate and up in turn.</summary>
    private Tensor Interleave(Tensor gateUp)
    {
        var inner = _config.IntermediateSize;
        return stack([gateUp.narrow(1, 0, inner), gateUp.narrow(1, inner, inner)], dim: 2).reshape(gateUp.shape);
    }

    private void AddMxfp4(string name, Tensor weight)
    {
        var shape = weight.shape;
        var values = FakeQuantization.RoundToMxfp4(weight).contiguous().data<float>().ToArray();
        var scales = new byte[values.Length / Mxfp4Format.GroupSize];
        var blocks = new byte[scales.Length * Mxfp4Format.BlockBytes];
        Mxfp4Format.Encode(values, blocks, scales);
        var groups = shape[2] / Mxfp4Format.GroupSize;
        _writer.Add(name + "_blocks", TensorType.U8, [shape[0], shape[1], groups, Mxfp4Format.BlockBytes], blocks);
        _writer.Add(name + "_scales", TensorType.U8, [shape[0], shape[1], groups], scales);
    }

    private void AddBFloat16(string name, Tensor weight) =>
        _writer.Add(name, TensorType.BF16, weight.shape, MemoryMarshal.AsBytes(ToBFloat16(weight).AsSpan()).ToArray());

    private static ushort[] ToBFloat16(Tensor weight)
    {
        var values = weight.detach().contiguous().data<float>().ToArray();
        var rounded = new ushort[values.Length];
        Bf16Format.Encode(values, rounded);
        return rounded;
    }

    private ModelConfig ToModelConfig() => new()
    {
        HiddenSize = _config.HiddenSize,
        IntermediateSize = _config.IntermediateSize,
        HeadCount = _config.HeadCount,
        KVHeadCount = _config.KVHeadCount,
        HeadDim = _config.HeadDim,
        ExpertCount = _config.ExpertCount,
        ExpertsPerToken = _config.ExpertsPerToken,
        VocabularySize = CompactVocabulary.FullSize,
        SlidingWindow = _config.SlidingWindow,
        LayerKinds =
        [
            .. Enumerable.Range(0, _config.LayerCount)
                .Select(layer => NanoConfig.IsSliding(layer) ? AttentionKind.Sliding : AttentionKind.Full),
        ],
        MaxPositions = (int)(_config.OriginalMaxPositions * _config.RopeFactor),
        Rope = new YarnParameters
        {
            Theta = _config.RopeTheta,
            Factor = _config.RopeFactor,
            BetaFast = _config.RopeBetaFast,
            BetaSlow = _config.RopeBetaSlow,
            OriginalMaxPositions = _config.OriginalMaxPositions,
        },
        RmsNormEpsilon = _config.RmsNormEpsilon,
        SwiGluLimit = _config.SwiGluLimit,
        TieWordEmbeddings = true,
        Quantization = new QuantizationConfig(QuantizationMethod.Mxfp4, Mxfp4Format.GroupSize),
    };
}
