using System.Collections.Immutable;
using System.Text.Json;

namespace GptOss.Net.Checkpoint;

/// <summary>Reads the tokens of a safetensors header, and checks each entry by itself.</summary>
internal ref struct SafetensorsHeaderReader
{
    private const int MaxRank = 8;
    private const int MaxNameLength = 512;
    private const int MaxMetadataEntries = 1024;

    // Object, tensor, array.
    private const int MaxDepth = 3;

    private readonly string _file;
    private Utf8JsonReader _json;

    public SafetensorsHeaderReader(ReadOnlySpan<byte> json, string file)
    {
        _file = file;
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    public TensorEntry[] ReadTensors()
    {
        // Name → entry.
        var tensors = new Dictionary<string, TensorEntry>(StringComparer.Ordinal);
        var hasMetadata = false;
        Expect(JsonTokenType.StartObject, tensor: null);
        while (NextName(tensor: null))
        {
            if (_json.ValueTextEquals("__metadata__"u8))
            {
                if (hasMetadata)
                {
                    throw Invalid("__metadata__ appears twice.", tensor: null);
                }

                hasMetadata = true;
                SkipMetadata();
                continue;
            }

            var tensor = ReadTensor(ReadName());
            if (!tensors.TryAdd(tensor.Name, tensor))
            {
                throw Invalid("appears twice.", tensor.Name);
            }

            if (tensors.Count > SafetensorsHeader.MaxTensors)
            {
                throw Invalid($"the header lists more than {SafetensorsHeader.MaxTensors:N0} tensors.", tensor: null);
            }
        }

        // Anything but white space after the object is an error of the reader.
        _json.Read();
        return [.. tensors.Values];
    }

    private string ReadName()
    {
        if (_json.ValueSpan.Length > MaxNameLength)
        {
            throw Invalid(
                $"a tensor's name is {_json.ValueSpan.Length:N0} bytes long; at most {MaxNameLength} are accepted.", tensor: null);
        }

        var name = _json.GetString()!;
        if (name.Length == 0 || name.Any(static c => char.IsControl(c) || c is '/' or '\\'))
        {
            throw Invalid("a tensor's name is empty, or has control characters or slashes.", tensor: null);
        }

        return name;
    }

    private TensorEntry ReadTensor(string name)
    {
        TensorType? type = null;
        ImmutableArray<long>? shape = null;
        (long Begin, long End)? range = null;
        Expect(JsonTokenType.StartObject, name);
        while (NextName(name))
        {
            if (type is null && _json.ValueTextEquals("dtype"u8))
            {
                type = ReadType(name);
            }
            else if (shape is null && _json.ValueTextEquals("shape"u8))
            {
                shape = ReadShape(name);
            }
            else if (range is null && _json.ValueTextEquals("data_offsets"u8))
            {
                range = ReadRange(name);
            }
            else
            {
                throw Invalid("has a key that is unknown or appears twice; expected dtype, shape and data_offsets once each.", name);
            }
        }

        if (type is null || shape is null || range is null)
        {
            throw Invalid("lacks one of dtype, shape and data_offsets.", name);
        }

        CheckLength(name, type.Value, shape.Value, range.Value);
        return new TensorEntry(name, type.Value, shape.Value, range.Value.Begin, range.Value.End);
    }

    private readonly void CheckLength(string name, TensorType type, ImmutableArray<long> shape, (long Begin, long End) range)
    {
        var length = (Int128)type.Size();
        foreach (var dimension in shape)
        {
            length *= dimension;
            if (length > long.MaxValue)
            {
                throw Invalid($"its shape [{string.Join(", ", shape)}] is too large.", name);
            }
        }

        if (range.End < range.Begin || range.End - range.Begin != length)
        {
            throw Invalid(
                $"{type} of shape [{string.Join(", ", shape)}] takes {(long)length:N0} bytes, "
                + $"but data_offsets are {range.Begin:N0} and {range.End:N0}.",
                name);
        }
    }

    private TensorType ReadType(string name)
    {
        Expect(JsonTokenType.String, name);
        return (_json.ValueIsEscaped ? null : TensorTypeNames.Parse(_json.ValueSpan))
            ?? throw Invalid("its dtype is unknown; expected a type like BF16, F16, F32, U8 or I32.", name);
    }

    private ImmutableArray<long> ReadShape(string name)
    {
        Span<long> shape = stackalloc long[MaxRank];
        var rank = ReadIntegers(shape, name);
        return [.. shape[..rank]];
    }

    private (long Begin, long End) ReadRange(string name)
    {
        Span<long> offsets = stackalloc long[2];
        return ReadIntegers(offsets, name) == 2
            ? (offsets[0], offsets[1])
            : throw Invalid("data_offsets must hold two integers.", name);
    }

    private int ReadIntegers(scoped Span<long> destination, string name)
    {
        var count = 0;
        Expect(JsonTokenType.StartArray, name);
        while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (count == destination.Length)
            {
                throw Invalid($"a list has more than {destination.Length} values.", name);
            }

            if (_json.TokenType != JsonTokenType.Number || !_json.TryGetInt64(out var value) || value < 0)
            {
                throw Invalid("shape and data_offsets must hold integers of 0 or more.", name);
            }

            destination[count++] = value;
        }

        return count;
    }

    /// <summary>Free text for people; nothing here reads it, so only its form is checked.</summary>
    private void SkipMetadata()
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        Expect(JsonTokenType.StartObject, "__metadata__");
        while (NextName("__metadata__"))
        {
            if (_json.ValueSpan.Length > MaxNameLength || keys.Count == MaxMetadataEntries || !keys.Add(_json.GetString()!))
            {
                throw Invalid(
                    $"a key appears twice or is longer than {MaxNameLength} bytes, or there are more than {MaxMetadataEntries} keys.",
                    "__metadata__");
            }

            Expect(JsonTokenType.String, "__metadata__");
        }
    }

    private bool NextName(string? tensor)
    {
        if (!_json.Read() || _json.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.EndObject))
        {
            throw Invalid("the header ends too early.", tensor);
        }

        return _json.TokenType == JsonTokenType.PropertyName;
    }

    private void Expect(JsonTokenType type, string? tensor)
    {
        if (!_json.Read() || _json.TokenType != type)
        {
            throw Invalid($"expected {type} at byte {_json.TokenStartIndex:N0} of the header, found {_json.TokenType}.", tensor);
        }
    }

    private readonly CheckpointException Invalid(string message, string? tensor) => new(message, _file, tensor);
}
