using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>How a <see cref="CpuMatrix"/> stores its weights. Each is one file in Kernels; this is how the rest reaches it.</summary>
internal abstract unsafe class CpuWeightFormat(string name)
{
    public static CpuWeightFormat Mxfp4 { get; } = new Stored<Mxfp4Weights>(nameof(Mxfp4));

    public static CpuWeightFormat Int4 { get; } = new Stored<Int4Weights>(nameof(Int4));

    public static CpuWeightFormat Int8 { get; } = new Stored<Int8Weights>(nameof(Int8));

    public static CpuWeightFormat Bf16 { get; } = new Stored<Bf16Weights>(nameof(Bf16));

    public static CpuWeightFormat Float32 { get; } = new Stored<Float32Weights>(nameof(Float32));

    /// <summary>Gets the form of activations that these weights are fastest with.</summary>
    public abstract ActivationFormat FastInput { get; }

    /// <summary>Gets the bytes of half a block, values and scales.</summary>
    protected abstract int HalfBlockBytes { get; }

    /// <summary>The bytes of a row group, in whole cache lines.</summary>
    public nint GroupBytes(int blocks) => (((nint)blocks * 2 * HalfBlockBytes) + 63) / 64 * 64;

    /// <summary>Where in a row group the half of a block lies that holds a row.</summary>
    public nint HalfBlock(int block, int groupRow) => ((2 * (nint)block) + (groupRow / RowGroup.HalfRows)) * HalfBlockBytes;

    /// <inheritdoc cref="IWeightFormat.Pack"/>
    public abstract void Pack(byte* half, int lane, ReadOnlySpan<float> row);

    /// <summary>Multiplies a row group with rows of activations, of float32 or of <see cref="FastInput"/>.</summary>
    public abstract void Multiply(ActivationFormat format, byte* group, int blocks, byte** rows, int count, float* sums);

    public override string ToString() => name;

    private sealed class Stored<TFormat>(string name) : CpuWeightFormat(name)
        where TFormat : struct, IWeightFormat
    {
        public override ActivationFormat FastInput => TFormat.FastInput;

        protected override int HalfBlockBytes => TFormat.ValueBytes + TFormat.ScaleBytes;

        public override void Pack(byte* half, int lane, ReadOnlySpan<float> row) => TFormat.Pack(half, lane, row);

        public override void Multiply(ActivationFormat format, byte* group, int blocks, byte** rows, int count, float* sums)
        {
            if (format == ActivationFormat.Float32)
            {
                Float32Kernel.Multiply<TFormat>(group, blocks, rows, count, sums);
            }
            else if (format == TFormat.FastInput)
            {
                TFormat.MultiplyFast(group, blocks, rows, count, sums);
            }
            else
            {
                throw new ArgumentException($"{this} weights take no {format} activations.", nameof(format));
            }
        }
    }
}
