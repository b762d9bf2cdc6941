using System.Text.Json;

namespace GptOss.Net.Harmony.Tests;

public sealed class JsonTextTests
{
    [Theory]
    [InlineData("""{ "a" : [ 1.50 , true, null ] , "b":{} }""", """{"a":[1.50,true,null],"b":{}}""")]
    [InlineData("""["\ud83d\ude00 \uD842\uDFB7 é\u00e9 \/ \u003c+\u0027"]""", """["😀 𠮷 éé / <+'"]""")]
    [InlineData("\"\\u3000\\u00a0\\ufeff\\u2028\\ue000\\u007f\"", "\"\u3000\u00a0\ufeff\u2028\ue000\u007f\"")]
    [InlineData("""["\u0001\u0008\f\n\r\t\"\\ \u0022\u005c"]""", """["\u0001\b\f\n\r\t\"\\ \"\\"]""")]
    [InlineData("""["\ud83d","\ude00\ud83d","\ud83dx","\ud83d\u0041","\ud83d\ud83d\ude00"]""",
        "[\"\uFFFD\",\"\uFFFD\uFFFD\",\"\uFFFDx\",\"\uFFFDA\",\"\uFFFD😀\"]")]
    [InlineData("[1, /* two */ 2, // three\n 3,]", "[1,2,3]")]
    public void A_value_is_compact_and_escaped_only_where_it_must(string json, string expected)
    {
        using var document =
            JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        JsonText.Compact(document.RootElement).Should().Be(expected);
    }

    [Fact]
    public void A_text_is_quoted() => JsonText.Quote("plain 😀 \u2028 \ud83d \"\\\n\u0001")
        .Should().Be("\"plain 😀 \u2028 \uFFFD \\\"\\\\\\n\\u0001\"");

    [Fact]
    public void Half_a_pair_is_replaced_so_that_the_value_can_be_read()
    {
        var whole = JsonText.WithWholeCharacters(JsonElement.Parse("""{"\ud83d":["\udc00"]}"""));
        whole.GetProperty("\uFFFD")[0].GetString().Should().Be("\uFFFD");
    }
}
