using System.Text;

namespace GptOss.Net.StructuredOutput;

/// <summary>A fixed text, and what follows it.</summary>
internal sealed record TextLiteral : TextState
{
    private readonly ReadOnlyMemory<byte> _rest;
    private readonly TextState _next;

    private TextLiteral(ReadOnlyMemory<byte> rest, TextState next) => (_rest, _next) = (rest, next);

    /// <summary>Returns the state before <paramref name="text"/>, which <paramref name="next"/> follows.</summary>
    public static TextState Create(ReadOnlyMemory<byte> text, TextState next) => text.IsEmpty ? next : new TextLiteral(text, next);

    /// <inheritdoc cref="Create(ReadOnlyMemory{byte}, TextState)"/>
    public static TextState Create(string text, TextState next) => Create(Encoding.UTF8.GetBytes(text), next);

    public override TextState? Advance(byte next) => _rest.Span[0] == next ? Create(_rest[1..], _next) : null;

    public bool Equals(TextLiteral? other) =>
        other is not null && _rest.Span.SequenceEqual(other._rest.Span) && _next.Equals(other._next);

    public override int GetHashCode() => HashCode.Combine(_rest.Length, _rest.Span[0], _next);
}
