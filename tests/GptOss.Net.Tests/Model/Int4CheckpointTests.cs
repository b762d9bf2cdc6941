using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Model;

/// <summary>
/// 4-bit checkpoints of GPTQ, AutoRound and compressed-tensors, packed here by their definitions, against their dequantized weights.
/// </summary>
public sealed class Int4CheckpointTests : IDisposable
{
    private const int Group = 32;

    private const string Ordered = """{"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": true, "sym": true}""";

    private static readonly KVCacheCapacity Capacity = new(64, 64);

    private readonly TemporaryDirectory _directory = new();
    private readonly ModelFixture _fixture = new("a-awq");
    private bool _isOrdered;

    public void Dispose()
    {
        _fixture.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("gptq", true, """{"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": false, "sym": true}""")]
    [InlineData("gptq", false, """{"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": false, "checkpoint_format": "gptq"}""")]
    [InlineData("gptq_v2", false,
        """{"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": false, "sym": false, "checkpoint_format": "gptq_v2"}""")]
    [InlineData("gptq", true, """{"quant_method": "auto-round", "bits": 4, "group_size": 32"""
        + """, "sym": true, "data_type": "int", "packing_format": "auto_round:auto_gptq"}""")]
    [InlineData("gptq_v2", true,
        """{"quant_method": "auto-round", "bits": 4, "group_size": 32, "sym": true, "packing_format": "auto_round:gptqmodel"}""")]
    [InlineData("awq", false,
        """{"quant_method": "auto-round", "bits": 4, "group_size": 32, "sym": false, "packing_format": "auto_round:auto_awq"}""")]
    [InlineData("packed", true, """{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0":"""
        + """ {"targets": ["Linear"], "weights": {"num_bits": 4, "group_size": 32, "strategy": "group", "symmetric": """
        + """true, "type": "int"}}}, "ignore": ["lm_head"]}""")]
    [InlineData("packed", false,
        """{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"group_0": {"targets": ["Linear"]"""
        + """, "weights": {"num_bits": 4, "group_size": 32, "strategy": "group", "symmetric": false, "type": "int"}}}}""")]
    public void Packed_weights_give_the_logits_of_their_values(string layout, bool isSymmetric, string quantization)
    {
        var (packed, dense) = Repack(layout, isSymmetric);
        using var checkpoint = Write("packed", packed, quantization);
        using var values = Write("dense", dense, quantization: null);

        ModelFixture.RelativeError(Logits(checkpoint), Logits(values)).Should().BeLessThan(1e-5);
        ModelConfigReader.Read(checkpoint).UnknownKeys.Should().NotContain(key => key.Contains("bits", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("gptq", """{"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": true, "sym": false}""")]
    [InlineData("gptq", """{"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": false}""")]
    [InlineData("packed", """
        {
          "quant_method": "compressed-tensors", "format": "pack-quantized",
          "config_groups": {"group_0": {"targets": ["Linear"], "weights": {
            "num_bits": 4, "group_size": 32, "strategy": "group", "symmetric": false, "type": "int", "actorder": "group"
          }}}
        }
        """)]
    public void Inputs_that_were_quantized_in_another_order_give_the_logits_of_their_values(string layout, string quantization)
    {
        _isOrdered = true;
        var (packed, dense) = Repack(layout, isSymmetric: false);
        using var checkpoint = Write("packed", packed, quantization);
        using var values = Write("dense", dense, quantization: null);

        ModelFixture.RelativeError(Logits(checkpoint), Logits(values)).Should().BeLessThan(1e-5);
    }

    [Fact]
    public void A_group_that_is_not_there_is_refused()
    {
        var (packed, _) = Repack("gptq", isSymmetric: true);
        var name = packed.Keys.First(name => name.EndsWith("k_proj.g_idx", StringComparison.Ordinal));
        MemoryMarshal.Cast<byte, int>(packed[name].Values.AsSpan())[7] = 1_000;
        using var checkpoint = Write("packed", packed, Ordered);

        FluentActions.Invoking(() => Logits(checkpoint)).Should().Throw<CheckpointException>().WithMessage("*group 1000*")
            .Which.Tensor.Should().Be(name);
    }

    [Fact]
    public void An_order_that_the_config_announces_must_be_there()
    {
        var (packed, _) = Repack("gptq", isSymmetric: true);
        packed.Keys.Where(name => name.EndsWith(".g_idx", StringComparison.Ordinal)).ToList().ForEach(name => packed.Remove(name));
        using var checkpoint = Write("packed", packed, Ordered);

        FluentActions.Invoking(() => Logits(checkpoint)).Should().Throw<CheckpointException>().WithMessage("*lacks*g_idx*");
    }

    [Theory]
    [InlineData("""{"quant_method": "gptq", "bits": 8, "group_size": 32}""", "bits is 8")]
    [InlineData("""{"quant_method": "gptq", "bits": 4, "group_size": 32, "checkpoint_format": "marlin"}""", "'marlin'")]
    [InlineData("""{"quant_method": "gptq", "bits": 4, "group_size": -1}""", "group_size is -1")]
    [InlineData("""{"quant_method": "auto-round", "bits": 4, "group_size": 32, "sym": false, "packing_format": "auto_round:exllamav2"}""",
        "packing_format")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "float-quantized"}""", "format")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {}}""", "config_groups")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"a": {"weights": {"num_bits": 4"""
        + """, "group_size": 32, "strategy": "group", "actorder": "column"}}}}""", "actorder")]
    [InlineData("""{"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"a": {"input_activations":"""
        + """ {"num_bits": 8}, "weights": {"num_bits": 4}}}}""", "input_activations")]
    [InlineData("""{"quant_method": "bitsandbytes"}""", "'bitsandbytes'")]
    public void What_is_packed_otherwise_is_refused_by_name(string quantization, string told)
    {
        var (packed, _) = Repack("gptq", isSymmetric: true);

        FluentActions.Invoking(() => ModelConfigReader.Read(Write("packed", packed, quantization))).Should().Throw<CheckpointException>()
            .WithMessage($"*{told}*");
    }

    [Fact]
    public void A_zero_that_no_nibble_holds_is_refused()
    {
        var (packed, _) = Repack("gptq", isSymmetric: false);
        var name = packed.Keys.First(name => name.EndsWith("q_proj.qzeros", StringComparison.Ordinal));
        packed[name].Values.AsSpan().Fill(0xFF);
        using var checkpoint = Write("packed", packed, """{"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": false}""");

        FluentActions.Invoking(() => Logits(checkpoint)).Should().Throw<CheckpointException>()
            .WithMessage("*a zero of 16*").Which.Tensor.Should().Be(name);
    }

    /// <summary>The fixture's 4-bit layers in another layout, and the same values as float32.</summary>
    private (
        Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)> Packed,
        Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)> Dense) Repack(
        string layout, bool isSymmetric)
    {
        var packed = new Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)>(StringComparer.Ordinal);
        var dense = new Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)>(StringComparer.Ordinal);
        foreach (var tensor in _fixture.Checkpoint.Tensors.Values)
        {
            var dot = tensor.Name.LastIndexOf('.');
            var (name, part) = (tensor.Name[..dot], tensor.Name[(dot + 1)..]);
            if (part is "qweight")
            {
                var (values, zeros, scales) = Unpack(name, isSymmetric, allowZero: layout is not "gptq");
                Pack(layout, name, values, zeros, scales, isSymmetric, packed);
                var (inputs, outputs) = (values.GetLength(0), values.GetLength(1));
                var rows = new float[outputs * inputs];
                for (var i = 0; i < rows.Length; i++)
                {
                    var (output, input) = Math.DivRem(i, inputs);
                    var group = GroupOf(input, inputs);
                    rows[i] = (values[input, output] - zeros[group, output]) * (float)scales[group, output];
                }

                dense[$"{name}.weight"] = (TensorType.F32, [outputs, inputs], MemoryMarshal.AsBytes(rows.AsSpan()).ToArray());
            }
            else if (part is not ("qzeros" or "scales"))
            {
                packed[tensor.Name] = dense[tensor.Name] = (tensor.Type, [.. tensor.Shape], Bytes(tensor));
            }
        }

        return (packed, dense);
    }

    /// <summary>The group of an input: with an order of their own, neighbours are of different ones.</summary>
    private int GroupOf(int input, int inputs) => _isOrdered ? input % (inputs / Group) : input / Group;

    private (int[,] Values, int[,] Zeros, Half[,] Scales) Unpack(string name, bool isSymmetric, bool allowZero)
    {
        var tensors = _fixture.Checkpoint.Tensors;
        var words = MemoryMarshal.Cast<byte, int>(Bytes(tensors[$"{name}.qweight"])).ToArray();
        var zeroWords = MemoryMarshal.Cast<byte, int>(Bytes(tensors[$"{name}.qzeros"])).ToArray();
        var stored = MemoryMarshal.Cast<byte, Half>(Bytes(tensors[$"{name}.scales"])).ToArray();
        var (inputs, outputs) = ((int)tensors[$"{name}.qweight"].Shape[0], (int)tensors[$"{name}.qweight"].Shape[1] * 8);
        var (values, zeros, scales) = (new int[inputs, outputs], new int[inputs / Group, outputs], new Half[inputs / Group, outputs]);
        for (var output = 0; output < outputs; output++)
        {
            for (var input = 0; input < inputs; input++)
            {
                values[input, output] = AwqFormat.Unpack(words.AsSpan(input * outputs / 8, outputs / 8), output);
            }

            for (var group = 0; group < inputs / Group; group++)
            {
                var zero = AwqFormat.Unpack(zeroWords.AsSpan(group * outputs / 8, outputs / 8), output);
                zeros[group, output] = isSymmetric ? 8 : allowZero ? zero : Math.Max(1, zero);
                scales[group, output] = stored[(group * outputs) + output];
            }
        }

        return (values, zeros, scales);
    }

    private void Pack(
        string layout, string name, int[,] values, int[,] zeros, Half[,] scales, bool isSymmetric,
        Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)> to)
    {
        int inputs = values.GetLength(0), outputs = values.GetLength(1), groups = inputs / Group;
        if (layout is "packed")
        {
            to[$"{name}.weight_packed"] = Words(outputs, inputs / 8, (row, word, j) => values[(8 * word) + j, row]);
            to[$"{name}.weight_scale"] = Floats(outputs, groups, (row, column) => (float)scales[column, row]);
            to[$"{name}.weight_shape"] = (TensorType.I64, [2], MemoryMarshal.AsBytes<long>(new long[] { outputs, inputs }).ToArray());
            if (_isOrdered)
            {
                to[$"{name}.weight_g_idx"] = Order(inputs);
            }

            if (!isSymmetric)
            {
                to[$"{name}.weight_zero_point"] = Words(outputs / 8, groups, (row, column, j) => zeros[column, (8 * row) + j]);
            }

            return;
        }

        to[$"{name}.scales"] = (TensorType.F16, [groups, outputs], MemoryMarshal.AsBytes<Half>(scales.Cast<Half>().ToArray()).ToArray());
        if (layout is "awq")
        {
            int[] order = [0, 2, 4, 6, 1, 3, 5, 7];
            to[$"{name}.qweight"] = Words(inputs, outputs / 8, (row, word, j) => values[row, (8 * word) + order[j]]);
            to[$"{name}.qzeros"] = Words(groups, outputs / 8, (row, word, j) => zeros[row, (8 * word) + order[j]]);
            return;
        }

        var less = layout is "gptq" ? 1 : 0;
        to[$"{name}.qweight"] = Words(inputs / 8, outputs, (row, column, j) => values[(8 * row) + j, column]);
        to[$"{name}.qzeros"] = Words(groups, outputs / 8, (row, word, j) => zeros[row, (8 * word) + j] - less);
        to[$"{name}.g_idx"] = Order(inputs);
    }

    private (TensorType Type, long[] Shape, byte[] Values) Order(int inputs) =>
        (TensorType.I32, [inputs], MemoryMarshal.AsBytes<int>([.. Enumerable.Range(0, inputs).Select(i => GroupOf(i, inputs))]).ToArray());

    private static (TensorType Type, long[] Shape, byte[] Values) Words(int rows, int columns, Func<int, int, int, int> nibble)
    {
        var words = Enumerable.Range(0, rows * columns)
            .Select(i => Enumerable.Range(0, 8).Aggregate(0, (word, j) => word | (nibble(i / columns, i % columns, j) << (4 * j))))
            .ToArray();
        return (TensorType.I32, [rows, columns], MemoryMarshal.AsBytes<int>(words).ToArray());
    }

    private static (TensorType Type, long[] Shape, byte[] Values) Floats(int rows, int columns, Func<int, int, float> value)
    {
        var values = Enumerable.Range(0, rows * columns).Select(i => value(i / columns, i % columns)).ToArray();
        return (TensorType.F32, [rows, columns], MemoryMarshal.AsBytes<float>(values).ToArray());
    }

    private SafetensorsCheckpoint Write(
        string name, Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)> tensors, string? quantization)
    {
        var writer = new SafetensorsWriter();
        foreach (var (tensor, (type, shape, values)) in tensors)
        {
            writer.Add(tensor, type, shape, values);
        }

        var folder = _directory.File(name);
        CheckpointWriter.Write(folder, _fixture.Config with { Quantization = QuantizationConfig.None }, writer);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        if (quantization is not null)
        {
            config["quantization_config"] = JsonNode.Parse(quantization);
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        return SafetensorsCheckpoint.Open(folder);
    }

    private float[] Logits(SafetensorsCheckpoint checkpoint)
    {
        var config = ModelConfigReader.Read(checkpoint);
        using var executor = CpuExecutor.Load(
            config,
            ModelWeightsReader.Read(config, checkpoint),
            Capacity,
            CpuExecutorOptions.Exact with { Threads = 1 },
            new WeightReadProgress(0, (_, _) => { }, TestContext.Current.CancellationToken));
        return new ExecutorDriver(executor, Capacity, config.SlidingWindow, maxStepTokens: 64).Logits(_fixture.Cases[0].InputIds)[0];
    }

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }
}
