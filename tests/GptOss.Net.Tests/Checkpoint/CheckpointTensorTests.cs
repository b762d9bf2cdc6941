using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class CheckpointTensorTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly SafetensorsFile _file;

    public CheckpointTensorTests()
    {
        var writer = new SafetensorsWriter();
        writer.Add("first", TensorType.U8, [3], new byte[] { 9, 9, 9 });
        writer.Add("weight", TensorType.U8, [4, 3, 2], Enumerable.Range(0, 24).Select(i => (byte)i).ToArray());
        writer.Add("f16", TensorType.F16, [2], new byte[] { 0x00, 0x3C, 0x00, 0xC0 });
        writer.Add("bf16", TensorType.BF16, [2], new byte[] { 0x80, 0x3F, 0x00, 0xC0 });
        writer.Add("f32", TensorType.F32, [], BitConverter.GetBytes(1.5f));
        writer.Save(_directory.File("model.safetensors"));
        _file = SafetensorsFile.Open(_directory.File("model.safetensors"));
    }

    public void Dispose()
    {
        _file.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Rows_keep_the_other_dimensions()
    {
        var rows = Tensor("weight").Rows(1, 2);

        rows.Shape.Should().Equal(2, 3, 2);
        Bytes(rows).Should().Equal(6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
    }

    [Fact]
    public void Select_drops_the_first_dimension()
    {
        var expert = Tensor("weight").Select(3);

        expert.Shape.Should().Equal(3, 2);
        Bytes(expert).Should().Equal(18, 19, 20, 21, 22, 23);
    }

    [Fact]
    public void Slices_of_slices_stay_in_place()
    {
        Bytes(Tensor("weight").Rows(1, 3).Select(1).Rows(2, 1)).Should().Equal(16, 17);
    }

    [Fact]
    public void No_rows_are_no_bytes()
    {
        Tensor("weight").Rows(4, 0).ByteLength.Should().Be(0);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(0, 5)]
    [InlineData(4, 1)]
    [InlineData(1, long.MaxValue)]
    public void Rows_outside_the_tensor_are_refused(long first, long count)
    {
        Tensor("weight").Invoking(tensor => tensor.Rows(first, count)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    public void Row_outside_the_tensor_is_refused(long index)
    {
        Tensor("weight").Invoking(tensor => tensor.Select(index)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(24, 1)]
    [InlineData(0, 25)]
    [InlineData(long.MaxValue, 1)]
    public void Reading_outside_the_tensor_is_refused(long offset, int count)
    {
        Tensor("weight").Invoking(tensor => tensor.Read(offset, new byte[count])).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Values_of_each_floating_type_read_as_singles()
    {
        Tensor("f16").ReadSingles().Should().Equal(1, -2);
        Tensor("bf16").ReadSingles().Should().Equal(1, -2);
        Tensor("f32").ReadSingles().Should().Equal(1.5f);
    }

    [Fact]
    public void Integers_do_not_read_as_singles()
    {
        Tensor("weight").Invoking(tensor => tensor.ReadSingles()).Should().Throw<CheckpointException>()
            .WithMessage("*U8*BF16, F16 or F32*");
    }

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }

    private CheckpointTensor Tensor(string name) => _file.Tensors.Single(tensor => tensor.Name == name);
}
