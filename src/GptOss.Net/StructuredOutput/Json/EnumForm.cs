using System.Text;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>One of several fixed texts: the values of an enum, a const, true, false or null.</summary>
/// <param name="texts">The texts, each once.</param>
internal sealed class EnumForm(IEnumerable<string> texts) : ValueForm
{
    public static readonly EnumForm Booleans = new(["true", "false"]);

    public static readonly EnumForm Null = new(["null"]);

    private readonly SortedTexts _texts = new(texts.Select(Encoding.UTF8.GetBytes));

    public override TextState Start(TextState next, int depth) => new EnumText(_texts.All, next);
}
