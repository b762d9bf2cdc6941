namespace GptOss.Net.Harmony.Tests;

public sealed class MessageHeaderParserTests
{
    // role[:author]|channel|recipient|content type|recovered
    [Theory]
    [InlineData("<|channel|>final", "Assistant|final|||")]
    [InlineData("<|channel|>analysis", "Assistant|analysis|||")]
    [InlineData(" to=functions.a<|channel|>commentary", "Assistant|commentary|functions.a||")]
    [InlineData("<|channel|>commentary to=functions.a", "Assistant|commentary|functions.a||")]
    [InlineData("<|channel|>commentary to=functions.a <|constrain|>json", "Assistant|commentary|functions.a|<|constrain|>json|")]
    [InlineData("<|channel|>commentary to=functions.a<|constrain|>json", "Assistant|commentary|functions.a|<|constrain|>json|")]
    [InlineData("<|channel|>commentary to=functions.a <|constrain|> json", "Assistant|commentary|functions.a|<|constrain|>json|")]
    [InlineData(" to=functions.a<|channel|>commentary<|constrain|>json", "Assistant|commentary|functions.a|<|constrain|>json|")]
    [InlineData("<|channel|>commentary to=functions.a json", "Assistant|commentary|functions.a|json|")]
    [InlineData("<|channel|>analysis to=functions.x code", "Assistant|analysis|functions.x|code|")]
    [InlineData("<|channel|>analysis to=python code", "Assistant|analysis|python|code|")]
    [InlineData("<|channel|>final <|constrain|>json", "Assistant|final||<|constrain|>json|")]
    [InlineData("<|channel|>commentary json", "Assistant|commentary||json|")]
    [InlineData("<|channel|>final markdown", "Assistant|final||markdown|")]
    [InlineData("", "Assistant||||")]
    public void Headers_of_the_format_are_read(string text, string expected) =>
        Describe(MessageHeaderParser.Parse(text, HarmonyRole.Assistant, isStray: false)).Should().Be(expected);

    [Theory]
    [InlineData("assistant<|channel|>final", "Assistant|final|||")]
    [InlineData("user", "User||||")]
    [InlineData("user:bob", "User:bob||||")]
    [InlineData("assistant to=functions.a<|channel|>commentary", "Assistant|commentary|functions.a||")]
    [InlineData("functions.a to=assistant<|channel|>commentary", "Tool:functions.a|commentary|assistant||")]
    [InlineData("browser.search to=assistant<|channel|>commentary", "Tool:browser.search|commentary|assistant||")]
    [InlineData("python", "Tool:python||||")]
    public void The_role_is_read_when_it_is_not_known(string text, string expected) =>
        Describe(MessageHeaderParser.Parse(text, role: null, isStray: false)).Should().Be(expected);

    [Theory]
    [InlineData("<|channel|>??", "Assistant|analysis|||recovered")]
    [InlineData("<|channel|>", "Assistant|analysis|||recovered")]
    [InlineData("<|channel|>commentary 2?", "Assistant|commentary|||recovered")]
    [InlineData("<|channel|>commentary<|channel|>commentary", "Assistant|commentary|||recovered")]
    [InlineData("<|channel|>analysis<|channel|>final", "Assistant|final|||recovered")]
    [InlineData("<|channel|>final<|channel|>??", "Assistant|final|||recovered")]
    [InlineData("<|channel|>finally", "Assistant|final|||recovered")]
    [InlineData("<|channel|>commentaryto=functions.a json", "Assistant|commentary|functions.a|json|recovered")]
    [InlineData("<|channel|>analysisfinal", "Assistant|analysis|||recovered")]
    [InlineData("<|channel|>commentary to=functions.a to=functions.a", "Assistant|commentary|functions.a||recovered")]
    [InlineData("<|channel|>commentary to=functions.a extra words json", "Assistant|commentary|functions.a|json|recovered")]
    [InlineData("<|channel|>commentary to=", "Assistant|commentary|||recovered")]
    [InlineData("assistant<|channel|>final", "Assistant|final|||recovered")]
    [InlineData("<|channel|>final<|reserved_200004|>", "Assistant|final|||recovered")]
    [InlineData("<|channel|>final<|", "Assistant|final|||recovered")]
    public void Headers_that_break_the_format_are_read_as_they_were_meant(string text, string expected) =>
        Describe(MessageHeaderParser.Parse(text, HarmonyRole.Assistant, isStray: false)).Should().Be(expected);

    [Theory]
    [InlineData("<|channel|>commentary functions.a", "Assistant|commentary|functions.a||")]
    [InlineData("<|channel|>commentary get_weather <|constrain|>json", "Assistant|commentary|get_weather|<|constrain|>json|")]
    [InlineData("<|channel|>analysis python code", "Assistant|analysis|python|code|")]
    public void A_recipient_may_lack_its_sign(string text, string expected) =>
        Describe(MessageHeaderParser.Parse(text, HarmonyRole.Assistant, isStray: false)).Should().Be(expected);

    [Theory]
    [InlineData("<|channel|>final hello world ", "Assistant|final|||recovered", "hello world ")]
    [InlineData("<|channel|>final {\"a\": 1}", "Assistant|final|||recovered", "{\"a\": 1}")]
    [InlineData("<|channel|>final <|constrain|>json {}", "Assistant|final||<|constrain|>json|recovered", "{}")]
    [InlineData("<|channel|>commentary to=functions.a json {}", "Assistant|commentary|functions.a|json|recovered", "{}")]
    [InlineData("<|channel|>finalhello", "Assistant|final|||recovered", "hello")]
    [InlineData("<|channel|>final<|constrain|> a b", "Assistant|final||<|constrain|>|recovered", "a b")]
    [InlineData("Hello.", "Assistant||||recovered", "Hello.")]
    [InlineData("<|channel|>final", "Assistant|final|||recovered", "")]
    public void A_body_without_its_sign_is_found(string text, string expected, string expectedBody)
    {
        var header = MessageHeaderParser.ParseWithBody(text, HarmonyRole.Assistant, isStray: false, out var body);
        Describe(header).Should().Be(expected);
        body.Should().Be(expectedBody);
    }

    [Fact]
    public void Stray_text_is_hidden()
    {
        var header = MessageHeaderParser.ParseWithBody(" oops.", role: null, isStray: true, out var body);
        Describe(header).Should().Be("Assistant|analysis|||recovered");
        body.Should().Be("oops.");
    }

    [Fact]
    public void The_raw_text_is_kept() =>
        MessageHeaderParser.Parse("<|channel|>?? x", HarmonyRole.Assistant, isStray: false).RawText.Should().Be("<|channel|>?? x");

    private static string Describe(MessageHeader header)
    {
        var author = header.AuthorName is { } name ? $"{header.Role}:{name}" : $"{header.Role}";
        return $"{author}|{header.Channel}|{header.Recipient}|{header.ContentType}|{(header.IsRecovered ? "recovered" : string.Empty)}";
    }
}
