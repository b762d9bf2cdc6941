using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cpu;

public sealed unsafe class MatrixReaderTests : IDisposable
{
    private const int Rows = 24;
    private const int Columns = 64;

    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
    private readonly SafetensorsWriter _writer = new();
    private readonly CpuMemory _memory = new();
    private readonly float[] _values = [.. Enumerable.Range(0, Rows * Columns).Select(i => (i * 37 % 101) - 50f)];
    private SafetensorsFile? _file;

    public void Dispose()
    {
        _file?.Dispose();
        _memory.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void A_matrix_stored_by_columns_is_read_by_rows()
    {
        var stored = new float[_values.Length];
        for (var i = 0; i < stored.Length; i++)
        {
            stored[i] = _values[(i % Rows * Columns) + (i / Rows)];
        }

        Add("w", TensorType.F32, [Columns, Rows], stored);

        var matrix = Read(new DenseWeightSource(Rows, Columns, Tensor("w"), Transposed: true), new RowSelection(Rows));

        Decoded(matrix, Rows).Should().Equal(_values);
    }

    [Fact]
    public void Fused_gates_and_ups_come_in_turn_sixteen_rows_of_each()
    {
        Add("w", TensorType.F32, [Rows, Columns], _values);
        const int size = Rows / 2;

        var matrix = Read(
            new DenseWeightSource(Rows, Columns, Tensor("w")),
            RowSelection.Gate(size, fused: true), RowSelection.Up(size, fused: true));

        var rows = Decoded(matrix, 32).Chunk(Columns).ToArray();
        for (var i = 0; i < size; i++)
        {
            rows[i].Should().Equal(_values.AsSpan(2 * i * Columns, Columns).ToArray());
            rows[16 + i].Should().Equal(_values.AsSpan(((2 * i) + 1) * Columns, Columns).ToArray());
        }
    }

    [Fact]
    public void AWQ_whose_groups_are_no_whole_blocks_is_decoded()
    {
        const int groupSize = 16;
        var (words, zeros, scales) =
            (new int[Rows * Columns / 8], new int[Columns / groupSize * Rows / 8], new Half[Columns / groupSize * Rows]);
        AwqFormat.Encode(_values, Rows, groupSize, words, zeros, scales);
        Add("q", TensorType.I32, [Columns, Rows / 8], words);
        Add("z", TensorType.I32, [Columns / groupSize, Rows / 8], zeros);
        Add("s", TensorType.F16, [Columns / groupSize, Rows], scales);
        var expected = new float[_values.Length];
        AwqFormat.DecodeRows(new AwqMatrix(words, zeros, scales, Columns, Rows, groupSize), expected);
        var source = new AwqWeightSource(Rows, Columns, Tensor("q"), Tensor("z"), Tensor("s"), groupSize);

        MatrixReader.StaysPacked(source).Should().BeFalse();
        Decoded(Read(source, new RowSelection(Rows)), Rows).Should().Equal(expected);
    }

    private void Add<T>(string name, TensorType type, long[] shape, T[] values)
        where T : unmanaged =>
        _writer.Add(name, type, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    private CheckpointTensor Tensor(string name)
    {
        if (_file is null)
        {
            _writer.Save(_path);
            _file = SafetensorsFile.Open(_path);
        }

        return _file.Tensors.Single(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal));
    }

    private CpuMatrix Read(WeightSource source, params RowSelection[] selections)
    {
        var matrix = new CpuMatrix(_memory, CpuWeightFormat.Float32, rows: 32, Columns, isSparse: true);
        MatrixReader.Read(source, matrix, selections);
        return matrix;
    }

    private float[] Decoded(CpuMatrix matrix, int rows)
    {
        var tile = _memory.Allocate<float>(32 * 16);
        var values = new float[rows * Columns];
        for (var i = 0; i < values.Length; i++)
        {
            var (row, column) = (i / Columns, i % Columns);
            var half = (2 * (column / 32)) + (row % 32 / 16);
            Float32Weights.Decode(matrix.Group(row / 32) + (half * Float32Weights.ValueBytes), tile);
            values[i] = tile[(column % 32 * 16) + (row % 16)];
        }

        return values;
    }
}
