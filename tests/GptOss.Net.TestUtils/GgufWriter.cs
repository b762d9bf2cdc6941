using System.Text;
using GptOss.Net.Quantization;

namespace GptOss.Net.TestUtils;

/// <summary>Writes a GGUF file, version 3: metadata and tensors whose bytes are in memory.</summary>
internal sealed class GgufWriter
{
    private const int Alignment = 32;

    /// <summary>Gets the metadata: int, long, float, bool, string, or an array of int or string.</summary>
    public List<(string Key, object Value)> Metadata { get; } = [];

    /// <summary>Gets the tensors, their shapes with the slowest dimension first.</summary>
    public List<(string Name, GgmlType Type, long[] Shape, byte[] Bytes)> Tensors { get; } = [];

    public byte[] Write()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write((long)Tensors.Count);
        writer.Write((long)Metadata.Count);
        foreach (var (key, value) in Metadata)
        {
            WriteText(writer, key);
            WriteValue(writer, value);
        }

        var offset = 0L;
        foreach (var (name, type, shape, bytes) in Tensors)
        {
            WriteText(writer, name);
            writer.Write(shape.Length);
            foreach (var dimension in shape.Reverse())
            {
                writer.Write(dimension);
            }

            writer.Write((int)type);
            writer.Write(offset);
            offset += (bytes.Length + Alignment - 1) / Alignment * Alignment;
        }

        foreach (var (_, _, _, bytes) in Tensors)
        {
            Pad(writer);
            writer.Write(bytes);
        }

        Pad(writer);
        return stream.ToArray();
    }

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        writer.Write(new byte[(Alignment - (writer.BaseStream.Position % Alignment)) % Alignment]);
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case int number:
                writer.Write(4);
                writer.Write(number);
                break;
            case long number:
                writer.Write(11);
                writer.Write(number);
                break;
            case float number:
                writer.Write(6);
                writer.Write(number);
                break;
            case bool flag:
                writer.Write(7);
                writer.Write(flag);
                break;
            case string text:
                writer.Write(8);
                WriteText(writer, text);
                break;
            case string[] texts:
                writer.Write(9);
                writer.Write(8);
                writer.Write((long)texts.Length);
                Array.ForEach(texts, text => WriteText(writer, text));
                break;
            case int[] numbers:
                writer.Write(9);
                writer.Write(5);
                writer.Write((long)numbers.Length);
                Array.ForEach(numbers, writer.Write);
                break;
            default:
                throw new ArgumentException($"{value.GetType()} has no GGUF form.", nameof(value));
        }
    }
}
