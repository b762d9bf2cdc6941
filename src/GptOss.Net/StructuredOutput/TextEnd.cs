namespace GptOss.Net.StructuredOutput;

/// <summary>Nothing may follow.</summary>
internal sealed record TextEnd : TextState
{
    public static readonly TextEnd Instance = new();

    private TextEnd()
    {
    }

    public override bool IsAccepting => true;

    public override bool MustEnd => true;

    public override TextState? Advance(byte next) => null;
}
