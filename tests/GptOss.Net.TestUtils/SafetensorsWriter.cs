using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.TestUtils;

/// <summary>
/// Writes a safetensors file: tensors are declared first, and their values asked for one after the other, so that the whole is
/// never in memory. Values of larger types come first, which keeps all of them aligned.
/// </summary>
internal sealed class SafetensorsWriter
{
    private const int Alignment = 8;

    private readonly List<(string Name, TensorType Type, long[] Shape, long Length, Action<Stream> Write)> _tensors = [];

    /// <summary>Adds a tensor whose values are written when the file is.</summary>
    /// <param name="name">The name, which no other tensor has.</param>
    /// <param name="type">The type of the values.</param>
    /// <param name="shape">The dimensions, the slowest first.</param>
    /// <param name="write">Writes exactly the bytes that type and shape ask for.</param>
    public void Add(string name, TensorType type, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        var length = (long)type.Size();
        foreach (var dimension in shape)
        {
            length = checked(length * dimension);
        }

        _tensors.Add((name, type, shape.ToArray(), length, write));
    }

    /// <summary>Adds a tensor whose values are in memory.</summary>
    public void Add(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> values) =>
        Add(name, type, shape, stream => stream.Write(values.Span));

    /// <summary>Writes the file beside its place and then moves it there, so that no half of a file is ever seen.</summary>
    public void Save(string path)
    {
        var partial = path + ".partial";
        using (var stream = File.Create(partial))
        {
            Write(stream);
        }

        File.Move(partial, path, overwrite: true);
    }

    public void Write(Stream stream)
    {
        _tensors.Sort(static (a, b) =>
            a.Type.Size() != b.Type.Size() ? b.Type.Size().CompareTo(a.Type.Size()) : string.CompareOrdinal(a.Name, b.Name));
        WriteHeader(stream);
        foreach (var (name, _, _, length, write) in _tensors)
        {
            var begin = stream.Position;
            write(stream);
            if (stream.Position - begin != length)
            {
                throw new InvalidOperationException($"Tensor '{name}' has {length} bytes, but {stream.Position - begin} were written.");
            }
        }
    }

    private void WriteHeader(Stream stream)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            WriteEntries(json);
        }

        var padding = (Alignment - (buffer.WrittenCount % Alignment)) % Alignment;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);

        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)buffer.WrittenCount);
        stream.Write(length);
        stream.Write(buffer.WrittenSpan);
    }

    private void WriteEntries(Utf8JsonWriter json)
    {
        var position = 0L;
        json.WriteStartObject();

        // transformers refuses a file without it.
        json.WriteStartObject("__metadata__");
        json.WriteString("format", "pt");
        json.WriteEndObject();
        foreach (var (name, type, shape, length, _) in _tensors)
        {
            json.WriteStartObject(name);
            json.WriteString("dtype"u8, type.Utf8Name());
            json.WriteStartArray("shape"u8);
            foreach (var dimension in shape)
            {
                json.WriteNumberValue(dimension);
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets"u8);
            json.WriteNumberValue(position);
            json.WriteNumberValue(position + length);
            json.WriteEndArray();
            json.WriteEndObject();
            position += length;
        }

        json.WriteEndObject();
    }
}
