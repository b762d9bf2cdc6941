using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Chat;

/// <summary>
/// Follows the tokens of one header and says what may come next. It works on text: tokens merge what stands next to each other.
/// </summary>
internal sealed class HeaderAutomaton
{
    private readonly string _author;
    private readonly TokenMaskCache _masks;
    private readonly HarmonyTokenizer _tokenizer;
    private IReadOnlyList<HeaderForm> _forms; // those that agree with what was written
    private int _part;
    private ConstrainedText _text;
    private TokenBitset? _allowed;

    /// <param name="forms">The headers that are allowed here; at least one.</param>
    /// <param name="author">What is still to be written of the author.</param>
    /// <param name="masks">The masks of the vocabulary.</param>
    /// <param name="tokenizer">Knows the bytes of the tokens.</param>
    public HeaderAutomaton(IReadOnlyList<HeaderForm> forms, string author, TokenMaskCache masks, HarmonyTokenizer tokenizer)
    {
        (_forms, _author, _masks, _tokenizer) = (forms, author, masks, tokenizer);
        _text = NextPart();
    }

    /// <summary>Gets the tokens that may come next.</summary>
    public TokenBitset Allowed => _allowed ??= _text.AllowedOr([.. Written().Select(form => form.Separator(_part)).Distinct()]);

    /// <summary>Takes the next token; returns the form of the header when it is complete.</summary>
    public HeaderForm? Accept(int token)
    {
        _allowed = null;
        if (!ControlToken.IsControl(token))
        {
            return _text.TryAccept(token) ? null : throw Illegal(token);
        }

        _forms = [.. Written().Where(form => form.Separator(_part) == token)];
        if (_forms.Count == 0)
        {
            throw Illegal(token);
        }

        if (token == ControlToken.Message)
        {
            return _forms[0];
        }

        _part++;
        _text = NextPart();
        return null;
    }

    private ConstrainedText NextPart() => new(TextSet.Create(_forms.Select(Part)), _masks, _tokenizer);

    private string Part(HeaderForm form) => _part == 0 ? _author + form.Part(0) : form.Part(_part);

    /// <summary>The forms of which the present part is complete.</summary>
    private IEnumerable<HeaderForm> Written()
    {
        var written = _text.State is TextSet { IsAccepting: true } set ? set.Written : null;
        return _forms.Where(form => string.Equals(Part(form), written, StringComparison.Ordinal));
    }

    private static InvalidOperationException Illegal(int token) => new($"Token {token} cannot come here in a header.");
}
