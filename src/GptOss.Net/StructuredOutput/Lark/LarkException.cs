namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A grammar that cannot be followed. The message is what is wrong there and what to write instead.</summary>
internal sealed class LarkException(LarkPlace place, string message) : Exception(message)
{
    public LarkPlace Place => place;
}
