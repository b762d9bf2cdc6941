using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Chat;

/// <summary>
/// Keeps a turn of the assistant well-formed: only headers that are allowed, in a body only the control token that ends it, after
/// a thought or a preamble another message of the assistant, and in the end an answer or a call.
/// </summary>
internal sealed class HarmonyConstraint : ITokenConstraint
{
    /// <summary>How many thoughts and preambles a turn may have before it must come to its end.</summary>
    public const int MaxOpenMessages = 64;

    private readonly TurnGrammar _grammar;
    private readonly TokenMaskCache _masks;
    private readonly HarmonyTokenizer _tokenizer;

    // One of the first two where a header or a body is being written, neither between messages.
    private HeaderAutomaton? _header;
    private HeaderForm? _body;
    private ConstrainedText? _bodyText;

    private int _openMessages;
    private int _reasoningTokens;

    public HarmonyConstraint(TurnGrammar grammar, TokenMaskCache masks, HarmonyTokenizer tokenizer)
    {
        (_grammar, _masks, _tokenizer) = (grammar, masks, tokenizer);
        BeginHeader(author: ""); // the prompt has it
    }

    private bool IsReasonedOut => _reasoningTokens >= _grammar.ReasoningBudget;

    public TokenBitset Allowed =>
        _header is not null ? _header.Allowed
        : _body is null ? FramingMasks.Only(ControlToken.Start)
        : _bodyText is not null ? _bodyText.AllowedOr(_body.Terminator)
        : _body.Kind == MessageKind.Thought && IsReasonedOut ? FramingMasks.Only(_body.Terminator)
        : FramingMasks.FreeText(_body.Terminator);

    // In free text; the budget may end a thought.
    public int TokensAhead =>
        _body is null || _bodyText is not null ? 0
        : _body.Kind == MessageKind.Thought ? Math.Max(0, _grammar.ReasoningBudget - _reasoningTokens - 1)
        : int.MaxValue;

    public void Accept(int token)
    {
        if (_header is not null)
        {
            if (_header.Accept(token) is { } form)
            {
                BeginBody(form);
            }
        }
        else if (_body is null)
        {
            if (token != ControlToken.Start)
            {
                throw new InvalidOperationException($"Token {token} cannot come here between messages.");
            }

            BeginHeader(HarmonyRoleNames.Of(HarmonyRole.Assistant));
        }
        else if (token == _body.Terminator)
        {
            _body = null;
        }
        else if (_bodyText is null)
        {
            _reasoningTokens += _body.Kind == MessageKind.Thought ? 1 : 0;
        }
        else if (!_bodyText.TryAccept(token))
        {
            throw new InvalidOperationException($"Token {token} cannot come here in a message.");
        }
    }

    private void BeginHeader(string author)
    {
        var mustEnd = _openMessages >= MaxOpenMessages || IsReasonedOut;
        _header = new HeaderAutomaton(mustEnd ? _grammar.LastForms : _grammar.Forms, author, _masks, _tokenizer);
    }

    private void BeginBody(HeaderForm form)
    {
        _header = null;
        _body = form;
        _bodyText = form.Body is { } state ? new ConstrainedText(state, _masks, _tokenizer) : null;
        _openMessages += form.Terminator == ControlToken.End ? 1 : 0;
    }
}
