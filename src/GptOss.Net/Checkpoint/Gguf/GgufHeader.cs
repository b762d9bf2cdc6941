using System.Collections.Immutable;
using System.Globalization;
using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>
/// The header of a GGUF file, versions 2 and 3, checked as an untrusted input (<c>docs/gguf.md</c> of ggml):
/// <code>
/// "GGUF" version:u32 tensors:u64 pairs:u64
/// pairs × (key:text type:u32 value)
/// tensors × (name:text rank:u32 dimensions:u64… type:u32 offset:u64)
///
/// A text is length:u64 and UTF-8; an array is type:u32 length:u64 values. Of dimensions the fastest comes first; offsets count from the
/// aligned end of the header.
/// </code>
/// </summary>
/// <param name="Metadata">
/// The scalars and texts: a <see cref="long"/>, <see cref="double"/>, <see cref="bool"/> or <see cref="string"/>; of an array, its length.
/// </param>
/// <param name="Tensors">The tensors, in the order of the file.</param>
internal sealed record GgufHeader(IReadOnlyDictionary<string, object> Metadata, IReadOnlyList<GgufTensor> Tensors)
{
    private const uint Magic = 0x46554747; // "GGUF"
    private const int MaxPairs = 65_536;
    private const int MaxTensors = 65_536;
    private const int MaxTextBytes = 65_535;
    private const int MaxNameBytes = 512;
    private const int MaxRank = 4;
    private const int MaxDepth = 4;
    private const long DefaultAlignment = 32;

    /// <summary>Reads a header.</summary>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="length">How many there are.</param>
    public static GgufHeader Read(ITensorSource file, long length)
    {
        var reader = new GgufReader(file, length);
        if (reader.UInt32() != Magic)
        {
            throw new CheckpointException("does not begin with 'GGUF'.", file.Path, tensor: null);
        }

        var version = reader.UInt32();
        if (version is not (2 or 3))
        {
            throw new CheckpointException(
                version > 0xFFFF
                    ? "is a GGUF file for processors of the other byte order."
                    : $"is GGUF version {version}; versions 2 and 3 are read.",
                file.Path,
                tensor: null);
        }

        var tensors = reader.Count("tensors", 24);
        var pairs = reader.Count("pairs", 13);
        if (tensors > MaxTensors || pairs > MaxPairs)
        {
            throw reader.Invalid(
                $"claims {tensors:N0} tensors and {pairs:N0} pairs; at most {MaxTensors:N0} and {MaxPairs:N0} are accepted");
        }

        var metadata = ReadMetadata(reader, pairs);
        return new GgufHeader(metadata, ReadTensors(file, reader, metadata, tensors, length));
    }

    private static Dictionary<string, object> ReadMetadata(GgufReader reader, long pairs)
    {
        var metadata = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0L; i < pairs; i++)
        {
            var key = reader.Text("a key", MaxNameBytes);
            if (!metadata.TryAdd(key, ReadValue(reader, reader.UInt32(), key)))
            {
                throw reader.Invalid($"has the key '{key}' twice");
            }
        }

        return metadata;
    }

    private static object ReadValue(GgufReader reader, uint type, string key) => type switch
    {
        0 => (long)reader.Byte(),
        1 => (long)(sbyte)reader.Byte(),
        2 => (long)reader.UInt16(),
        3 => (long)(short)reader.UInt16(),
        4 => (long)reader.UInt32(),
        5 => (long)(int)reader.UInt32(),
        6 => Number(BitConverter.UInt32BitsToSingle(reader.UInt32())),
        7 => reader.Byte() != 0,
        8 => reader.Text($"a text '{key}'", MaxTextBytes),
        9 => SkipArray(reader, key, depth: 1),
        10 => reader.UInt64() is var value && value <= long.MaxValue ? (long)value : (double)value,
        11 => (long)reader.UInt64(),
        12 => BitConverter.UInt64BitsToDouble(reader.UInt64()),
        _ => throw reader.Invalid($"has a value '{key}' of unknown type {type}"),
    };

    // What was written from 1e-5 is meant to be 1e-5, not the nearest float32.
    private static double Number(float value) =>
        double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static long SkipArray(GgufReader reader, string key, int depth)
    {
        var type = reader.UInt32();
        int? size = type switch
        {
            0 or 1 or 7 => 1,
            2 or 3 => 2,
            4 or 5 or 6 => 4,
            10 or 11 or 12 => 8,
            8 or 9 when depth < MaxDepth => null,
            _ => throw reader.Invalid($"has an array '{key}' of unknown type {type}"),
        };
        var count = reader.Count($"values of '{key}'", size ?? 8);
        if (size is { } bytes)
        {
            reader.Skip(count * bytes);
            return count;
        }

        for (var i = 0L; i < count; i++)
        {
            if (type == 8)
            {
                reader.Skip(reader.Count($"bytes of '{key}'", 1));
            }
            else
            {
                SkipArray(reader, key, depth + 1);
            }
        }

        return count;
    }

    private static List<GgufTensor> ReadTensors(
        ITensorSource file, GgufReader reader, Dictionary<string, object> metadata, long count, long length)
    {
        var alignment = metadata.GetValueOrDefault("general.alignment", DefaultAlignment) is long stated and > 0 and <= 1 << 20
            && long.IsPow2(stated)
            ? stated
            : throw reader.Invalid("has a general.alignment that is not a power of two up to 1,048,576");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var tensors = new List<GgufTensor>();
        for (var i = 0L; i < count; i++)
        {
            var tensor = ReadTensor(file, reader);
            if (!names.Add(tensor.Name))
            {
                throw new CheckpointException("appears twice.", file.Path, tensor.Name);
            }

            tensors.Add(tensor);
        }

        var data = (reader.Position + alignment - 1) / alignment * alignment;
        tensors = tensors.ConvertAll(tensor => tensor with { Offset = data + tensor.Offset });
        CheckPlaces(tensors, data, alignment, length);
        return tensors;
    }

    private static GgufTensor ReadTensor(ITensorSource file, GgufReader reader)
    {
        var name = reader.Text("a tensor's name", MaxNameBytes);
        if (name.Length == 0 || name.Any(static c => char.IsControl(c) || c is '/' or '\\'))
        {
            throw reader.Invalid("has a tensor whose name is empty or has control characters or slashes");
        }

        var rank = reader.UInt32();
        if (rank is 0 or > MaxRank)
        {
            throw new CheckpointException($"has {rank:N0} dimensions; expected 1 to {MaxRank}.", file.Path, name);
        }

        var shape = new long[rank];
        var elements = (Int128)1;
        for (var i = (int)rank - 1; i >= 0; i--)
        {
            var dimension = reader.UInt64();
            elements *= dimension;
            shape[i] = dimension is > 0 and <= long.MaxValue && elements <= long.MaxValue / 4
                ? (long)dimension
                : throw new CheckpointException($"has a dimension of {dimension:N0}; it is empty or too large.", file.Path, name);
        }

        var number = reader.UInt32();
        var type = number <= int.MaxValue && Enum.IsDefined((GgmlType)number)
            ? (GgmlType)number
            : throw new CheckpointException(
                $"is of ggml type {number}, which is not supported; expected F32, F16, BF16, Q8_0, Q4_0 to Q6_K, IQ4_NL or MXFP4.",
                file.Path, name);
        if (shape[^1] % type.BlockValues() != 0)
        {
            throw new CheckpointException(
                $"has rows of {shape[^1]:N0} values; {type} stores blocks of {type.BlockValues()}.", file.Path, name);
        }

        var offset = reader.UInt64();
        return offset <= long.MaxValue / 2
            ? new GgufTensor(file, name, type, [.. shape], (long)offset)
            : throw new CheckpointException($"begins at byte {offset:N0} of the data, outside of any file.", file.Path, name);
    }

    private static void CheckPlaces(List<GgufTensor> tensors, long data, long alignment, long length)
    {
        var end = data;
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Offset))
        {
            if ((tensor.Offset - data) % alignment != 0 || tensor.Offset < end)
            {
                throw new CheckpointException(
                    $"begins at byte {tensor.Offset:N0} of the file, which is not aligned to {alignment} or in the tensor before it.",
                    tensor.File.Path, tensor.Name);
            }

            if (tensor.ByteLength > length - tensor.Offset)
            {
                throw new CheckpointException(
                    $"reaches from byte {tensor.Offset:N0} over {tensor.ByteLength:N0} bytes, but the file has {length:N0}. "
                    + "It is truncated: download it again.",
                    tensor.File.Path,
                    tensor.Name);
            }

            end = tensor.Offset + tensor.ByteLength;
        }
    }
}
