namespace GptOss.Net.Checkpoint;

/// <summary>The names that safetensors gives to the types, and their sizes.</summary>
internal static class TensorTypeNames
{
    private static readonly TensorType[] All = Enum.GetValues<TensorType>();

    public static TensorType? Parse(ReadOnlySpan<byte> utf8)
    {
        foreach (var type in All)
        {
            if (utf8.SequenceEqual(type.Utf8Name()))
            {
                return type;
            }
        }

        return null;
    }

    public static int Size(this TensorType type) => type switch
    {
        TensorType.Bool or TensorType.U8 or TensorType.I8 or TensorType.F8E5M2 or TensorType.F8E4M3 or TensorType.F8E8M0 => 1,
        TensorType.I16 or TensorType.U16 or TensorType.F16 or TensorType.BF16 => 2,
        TensorType.I32 or TensorType.U32 or TensorType.F32 => 4,
        TensorType.I64 or TensorType.U64 or TensorType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static ReadOnlySpan<byte> Utf8Name(this TensorType type) => type switch
    {
        TensorType.Bool => "BOOL"u8,
        TensorType.U8 => "U8"u8,
        TensorType.I8 => "I8"u8,
        TensorType.F8E5M2 => "F8_E5M2"u8,
        TensorType.F8E4M3 => "F8_E4M3"u8,
        TensorType.F8E8M0 => "F8_E8M0"u8,
        TensorType.I16 => "I16"u8,
        TensorType.U16 => "U16"u8,
        TensorType.F16 => "F16"u8,
        TensorType.BF16 => "BF16"u8,
        TensorType.I32 => "I32"u8,
        TensorType.U32 => "U32"u8,
        TensorType.F32 => "F32"u8,
        TensorType.I64 => "I64"u8,
        TensorType.U64 => "U64"u8,
        TensorType.F64 => "F64"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
