using System.Text;
using GptOss.Net.Checkpoint;

using static GptOss.Net.Tests.Checkpoint.SafetensorsBytes;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class SafetensorsHeaderAttackTests
{
    private const string A = "\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";

    // Name, header, data length, a part of the message.
    public static TheoryData<string, string, long, string> Attacks => new()
    {
        { "empty", string.Empty, 0, "does not start with '{'" },
        { "not an object", "[]", 0, "does not start with '{'" },
        { "byte order mark", "\uFEFF{}", 0, "does not start with '{'" },
        { "white space first", " {}", 0, "does not start with '{'" },
        { "unfinished", "{", 0, "not valid JSON" },
        { "second object", "{}{}", 0, "not valid JSON" },
        { "garbage after", "{} x", 0, "not valid JSON" },
        { "trailing comma", "{" + A + ",}", 4, "not valid JSON" },
        { "comment", "{/*x*/}", 0, "not valid JSON" },
        { "tensor is a number", "{\"a\":1}", 0, "expected StartObject" },
        { "tensor is null", "{\"a\":null}", 0, "expected StartObject" },
        { "tensor is a list", "{\"a\":[]}", 0, "expected StartObject" },
        { "tensor is empty", "{\"a\":{}}", 0, "lacks one of" },
        { "no type", "{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "lacks one of" },
        { "no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, "lacks one of" },
        { "no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "lacks one of" },
        { "type twice", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "unknown or appears twice" },
        { "unknown key", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"x\":1}}", 4, "unknown or appears twice" },
        { "duplicate tensor", "{" + A + "," + A + "}", 4, "appears twice" },
        { "duplicate tensor by escape", "{" + A
            + ",\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}", 4, "appears twice" },
        { "unknown type", Object(Entry("a", "U9", "[4]", "[0,4]")), 4, "dtype is unknown" },
        { "escaped type", Object(Entry("a", "\\u00558", "[4]", "[0,4]")), 4, "dtype is unknown" },
        { "lower-case type", Object(Entry("a", "u8", "[4]", "[0,4]")), 4, "dtype is unknown" },
        { "type of other size", Object(Entry("a", "F32", "[4]", "[0,4]")), 4, "takes 16 bytes" },
        { "type is a number", "{\"a\":{\"dtype\":8,\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "expected String" },
        { "shape is a number", Object(Entry("a", "U8", "4", "[0,4]")), 4, "expected StartArray" },
        { "shape holds text", Object(Entry("a", "U8", "[\"4\"]", "[0,4]")), 4, "integers of 0 or more" },
        { "shape holds a list", Object(Entry("a", "U8", "[[4]]", "[0,4]")), 4, "not valid JSON" },
        { "negative dimension", Object(Entry("a", "U8", "[-4]", "[0,4]")), 4, "integers of 0 or more" },
        { "two negative dimensions", Object(Entry("a", "U8", "[-2,-2]", "[0,4]")), 4, "integers of 0 or more" },
        { "fraction", Object(Entry("a", "U8", "[4.0]", "[0,4]")), 4, "integers of 0 or more" },
        { "exponent", Object(Entry("a", "U8", "[4e0]", "[0,4]")), 4, "integers of 0 or more" },
        { "dimension beyond 2^63", Object(Entry("a", "U8", "[9223372036854775808]", "[0,4]")), 4, "integers of 0 or more" },
        { "product wraps to 4", Object(Entry("a", "U8", "[4611686018427387905,4]", "[0,4]")), 4, "too large" },
        { "product wraps to 0", Object(Entry("a", "U8", "[4294967296,4294967296]", "[0,0]")), 0, "too large" },
        { "size wraps", Object(Entry("a", "F64", "[2305843009213693953]", "[0,8]")), 8, "too large" },
        {
            "product beyond 128 bits", Object(Entry("a", "F64", "[9223372036854775807,9223372036854775807,9223372036854775807]", "[0,8]")),
            8, "too large"
        },
        { "nine dimensions", Object(Entry("a", "U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]")), 1, "more than 8 values" },
        { "negative offset", Object(Entry("a", "U8", "[4]", "[-4,0]")), 4, "integers of 0 or more" },
        { "offsets swapped", Object(Entry("a", "U8", "[4]", "[4,0]")), 4, "data_offsets are 4 and 0" },
        { "one offset", Object(Entry("a", "U8", "[4]", "[4]")), 4, "two integers" },
        { "three offsets", Object(Entry("a", "U8", "[4]", "[0,2,4]")), 4, "more than 2 values" },
        { "range longer than shape", Object(Entry("a", "U8", "[3]", "[0,4]")), 4, "takes 3 bytes" },
        { "beyond the end", Object(Entry("a", "U8", "[5]", "[0,5]")), 4, "truncated" },
        { "far beyond the end", Object(Entry("a", "U8", "[9223372036854775807]", "[0,9223372036854775807]")), 4, "truncated" },
        { "hole at the start", Object(Entry("a", "U8", "[3]", "[1,4]")), 4, "hole" },
        { "hole in the middle", Object(Entry("a", "U8", "[1]", "[0,1]"), Entry("b", "U8", "[2]", "[2,4]")), 4, "hole" },
        { "overlap", Object(Entry("a", "U8", "[3]", "[0,3]"), Entry("b", "U8", "[2]", "[2,4]")), 4, "overlaps" },
        { "same range twice", Object(Entry("a", "U8", "[4]", "[0,4]"), Entry("b", "U8", "[4]", "[0,4]")), 4, "overlaps" },
        { "empty tensor inside another", Object(Entry("a", "U8", "[4]", "[0,4]"), Entry("b", "U8", "[0]", "[2,2]")), 4, "overlaps" },
        { "trailing bytes", Object(A), 5, "no tensor owns" },
        { "no tensors but data", "{}", 1, "no tensor owns" },
        { "empty name", Object(Entry(string.Empty, "U8", "[4]", "[0,4]")), 4, "name is empty" },
        { "path in the name", Object(Entry("../../etc/passwd", "U8", "[4]", "[0,4]")), 4, "slashes" },
        { "backslash in the name", Object(Entry("..\\\\x", "U8", "[4]", "[0,4]")), 4, "slashes" },
        { "NUL in the name", Object(Entry("a\\u0000", "U8", "[4]", "[0,4]")), 4, "control characters" },
        { "raw control character", Object(Entry("a\u0001", "U8", "[4]", "[0,4]")), 4, "not valid JSON" },
        { "half a surrogate pair", Object(Entry("\\ud800", "U8", "[4]", "[0,4]")), 4, "not valid JSON" },
        { "name of 1 MB", Object(Entry(new string('a', 1 << 20), "U8", "[4]", "[0,4]")), 4, "bytes long" },
        { "10,000 objects deep", string.Concat(Enumerable.Repeat("{\"a\":", 10_000)), 0, "expected" },
        { "10,000 lists deep", "{\"a\":{\"shape\":" + new string('[', 10_000), 0, "not valid JSON" },
        { "metadata is a list", "{\"__metadata__\":[]}", 0, "expected StartObject" },
        { "metadata is nested", "{\"__metadata__\":{\"a\":{}}}", 0, "expected String" },
        { "metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "appears twice" },
        { "metadata key twice", "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}", 0, "appears twice" },
        { "metadata of 2,000 keys", "{\"__metadata__\":{" + string.Join(",", Enumerable.Range(0, 2000).Select(i => $"\"{i}\":\"\""))
            + "}}", 0, "more than 1024" },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Attack_is_refused_with_its_reason(string name, string header, long dataLength, string reason)
    {
        _ = name;
        var parse = () => SafetensorsHeader.Parse(Encoding.UTF8.GetBytes(header), dataLength, "model.safetensors");

        parse.Should().Throw<CheckpointException>().WithMessage("*" + reason + "*").Which.File.Should().Be("model.safetensors");
    }

    [Fact]
    public void Invalid_utf8_is_refused()
    {
        var header = Encoding.UTF8.GetBytes(Object(A));
        header[2] = 0xFF;

        var parse = () => SafetensorsHeader.Parse(header, 4, "model.safetensors");

        parse.Should().Throw<CheckpointException>().WithMessage("*not valid UTF-8*");
    }

    [Fact]
    public void More_tensors_than_the_limit_are_refused()
    {
        var header = Object([.. Enumerable.Range(0, 100_000).Select(i => Entry($"{i}", "U8", "[0]", "[0,0]"))]);

        var parse = () => SafetensorsHeader.Parse(Encoding.UTF8.GetBytes(header), 0, "model.safetensors");

        parse.Should().Throw<CheckpointException>().WithMessage("*more than 65,536 tensors*");
    }

    [Fact]
    public void Padding_metadata_scalars_and_empty_tensors_are_accepted()
    {
        var header = Object(
            "\"__metadata__\":{\"format\":\"pt\"}",
            Entry("scalar", "F32", "[]", "[0,4]"),
            Entry("empty", "F32", "[0,7]", "[4,4]"),
            Entry("last", "U8", "[2,1]", "[4,6]")) + "   ";

        var parsed = SafetensorsHeader.Parse(Encoding.UTF8.GetBytes(header), 6, "model.safetensors");

        parsed.Tensors.Select(tensor => tensor.Name).Should().Equal("scalar", "empty", "last");
    }
}
