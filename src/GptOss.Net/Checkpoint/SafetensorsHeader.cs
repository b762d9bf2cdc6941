using System.Text.Json;
using System.Text.Unicode;

namespace GptOss.Net.Checkpoint;

/// <summary>
/// The JSON header of a safetensors file, checked as an untrusted input: the tensors it lists fill the data section exactly,
/// without holes or overlaps. Parsing is iterative and allocates at most 8 bytes per byte of header.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>The largest header that is accepted, in bytes; the limit of the reference implementation.</summary>
    public const int MaxLength = 100_000_000;

    /// <summary>The most tensors that one file may hold; gpt-oss-120b with every expert apart has about 56,000.</summary>
    public const int MaxTensors = 65_536;

    private SafetensorsHeader(IReadOnlyList<TensorEntry> tensors) => Tensors = tensors;

    /// <summary>Gets the tensors in the order of their data.</summary>
    public IReadOnlyList<TensorEntry> Tensors { get; }

    /// <summary>Parses a header.</summary>
    /// <param name="json">The header without the eight bytes of its length.</param>
    /// <param name="dataLength">The bytes that follow the header in the file.</param>
    /// <param name="file">The file's path, for messages.</param>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength, string file)
    {
        if (json.Length > MaxLength)
        {
            throw Invalid($"the header is {json.Length:N0} bytes long; at most {MaxLength:N0} are accepted.", file);
        }

        if (json.IsEmpty || json[0] != (byte)'{')
        {
            throw Invalid("the header does not start with '{'. Is this a safetensors file?", file);
        }

        if (!Utf8.IsValid(json))
        {
            throw Invalid("the header is not valid UTF-8.", file);
        }

        try
        {
            var tensors = new SafetensorsHeaderReader(json, file).ReadTensors();
            CheckCoverage(tensors, dataLength, file);
            return new SafetensorsHeader(tensors);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escape that is half of a surrogate pair.
            throw new CheckpointException($"the header is not valid JSON: {exception.Message}", file, tensor: null, exception);
        }
    }

    private static void CheckCoverage(TensorEntry[] tensors, long dataLength, string file)
    {
        Array.Sort(tensors, static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        var position = 0L;
        foreach (var tensor in tensors)
        {
            if (tensor.Begin != position)
            {
                var problem = tensor.Begin < position ? "overlaps the tensor before it" : "leaves a hole before it";
                throw new CheckpointException(
                    $"begins at byte {tensor.Begin:N0} of the data, which {problem}; expected {position:N0}.", file, tensor.Name);
            }

            position = tensor.End;
        }

        if (position != dataLength)
        {
            var problem = position > dataLength ? "The file is truncated: download it again." : "The file has bytes that no tensor owns.";
            throw Invalid($"the tensors take {position:N0} bytes, but {dataLength:N0} follow the header. {problem}", file);
        }
    }

    private static CheckpointException Invalid(string message, string file) => new(message, file, tensor: null);
}
