using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Throughput;

/// <content>What the kernels read and write.</content>
internal sealed unsafe partial class CudaKernelTable
{
    /// <summary>Four layers' matrices, and the output projection.</summary>
    private sealed class Weights(CudaKernelTable t)
    {
        public DenseWeights[] Qkv { get; } = [.. Enumerable.Range(0, Layers).Select(_ => Dense(t, t._shape.QkvWidth, t._shape.Hidden))];

        public DenseWeights[] Output { get; } =
            [.. Enumerable.Range(0, Layers).Select(_ => Dense(t, t._shape.Hidden, t._shape.QueryWidth))];

        public DenseWeights Head { get; } = Dense(t, t._shape.Vocabulary, t._shape.Hidden);

        public ExpertWeights[] Up { get; } =
            [.. Enumerable.Range(0, Layers).Select(_ => Experts(t, 2 * t._shape.Intermediate, t._shape.Hidden))];

        public ExpertWeights[] Down { get; } =
            [.. Enumerable.Range(0, Layers).Select(_ => Experts(t, t._shape.Hidden, t._shape.Intermediate))];

        public nint Router { get; } = t.Fill(PackKernels.RouterBytes(t._shape.RouterRows, t._shape.Hidden));

        public nint Gain { get; } = t.Fill(2 * t._shape.Vocabulary);

        public nint Rotation { get; } = t.Fill(Context * 32 * 8);

        public double QkvBytes => DenseWeights.Bytes(DenseFormat.Bf16, t._shape.QkvWidth, t._shape.Hidden);

        public double OutputBytes => DenseWeights.Bytes(DenseFormat.Bf16, t._shape.Hidden, t._shape.QueryWidth);

        public double HeadBytes => DenseWeights.Bytes(DenseFormat.Bf16, t._shape.Vocabulary, t._shape.Hidden);

        public double UpBytes => ExpertWeights.Bytes(ExpertFormat.Mxfp4, 2 * t._shape.Intermediate, t._shape.Hidden);

        public double DownBytes => ExpertWeights.Bytes(ExpertFormat.Mxfp4, t._shape.Hidden, t._shape.Intermediate);

        private static DenseWeights Dense(CudaKernelTable t, int rows, int k) =>
            new(DenseFormat.Bf16, t.Fill(DenseWeights.Bytes(DenseFormat.Bf16, rows, k)), 0, t.Fill(2 * rows), rows, k);

        private static ExpertWeights Experts(CudaKernelTable t, int rows, int k) => new(
            ExpertFormat.Mxfp4, t.Fill(t._shape.Experts * ExpertWeights.Bytes(ExpertFormat.Mxfp4, rows, k)),
            t.Fill(2 * t._shape.Experts * rows), rows);
    }

    private sealed class Activations(CudaKernelTable t, int n)
    {
        public nint Residual { get; } = t.Fill(4L * n * t._shape.Hidden);

        public nint Normed { get; } = t.Fill(2L * n * t._shape.Hidden);

        public nint Qkv { get; } = t.Fill(2L * n * t._shape.QkvWidth);

        public nint Att { get; } = t.Fill(2L * n * t._shape.QueryWidth);

        public nint Logits { get; } = n <= 64 ? t.Fill(4L * n * t._shape.Vocabulary) : 0;
    }

    /// <summary>Four layers' caches of sequences of 1,024 keys, in scattered blocks; two of them are also one of 2,048.</summary>
    private sealed class Cache
    {
        private readonly long _layerBytes;
        private readonly int _blocks;
        private readonly nint _keys;
        private readonly nint _values;

        public Cache(CudaKernelTable t, int sequences)
        {
            var blocks = Enumerable.Range(0, sequences * Context / Page).ToArray();
            t._random.Shuffle(blocks);
            _blocks = blocks.Length;
            _layerBytes = 2L * blocks.Length * t._shape.KVHeads * Page * 64;
            (_keys, _values) = (t.Fill(Layers * _layerBytes), t.Fill(Layers * _layerBytes));
            (Blocks, Starts, Lengths) = (t.Fill(blocks.Length * 4), t.Fill(sequences * 4), t.Fill(sequences * 4));
            t.Copy(Blocks, blocks);
            t.Copy(Starts, Enumerable.Range(0, sequences).Select(i => i * Context / Page).ToArray());
            t.Copy(Lengths, Enumerable.Repeat(Context, sequences).ToArray());
        }

        public nint Blocks { get; }

        public nint Starts { get; }

        public nint Lengths { get; }

        public nint Keys(int layer) => _keys + (nint)(layer * _layerBytes);

        public nint Values(int layer) => _values + (nint)(layer * _layerBytes);

        public double BytesOf(int sequences) => 2.0 * _layerBytes * sequences * Context / (Page * _blocks);
    }
}
