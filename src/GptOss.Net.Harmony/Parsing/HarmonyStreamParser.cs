using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>Parses the tokens of a completion one by one into messages.</summary>
/// <remarks>
/// Frames by token id, never by text, so a body that spells <c>&lt;|end|&gt;</c> in ordinary tokens stays a body. Takes any tokens without
/// an exception: what breaks the format is read as the model most likely meant it, and the header says so
/// (<see cref="MessageHeader.IsRecovered"/>). Holds no more than a header of 8,192 characters. The deltas of a message concatenate to
/// its text. Not thread-safe; use one for each completion.
/// </remarks>
public sealed class HarmonyStreamParser
{
    private const int MaxHeaderLength = 8_192; // longer "headers" are bodies whose <|message|> is missing

    private readonly HarmonyTokenizer _tokenizer;
    private readonly Utf8TokenDecoder _decoder;
    private readonly StringBuilder _header = new();
    private List<HarmonyStreamEvent> _events = [];
    private HarmonyRole? _headerRole; // known from the prompt or the message before; null when the header shall tell
    private bool _isStray; // the header began without <|start|>

    /// <summary>Creates a parser.</summary>
    /// <param name="tokenizer">Knows the bytes of the tokens.</param>
    /// <param name="role">
    /// The role the prompt ended with: the tokens go on within the header, as after <see cref="HarmonyRenderer.RenderForCompletion"/>.
    /// Null when the tokens begin with <c>&lt;|start|&gt;</c>.
    /// </param>
    public HarmonyStreamParser(HarmonyTokenizer tokenizer, HarmonyRole? role = HarmonyRole.Assistant)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        _tokenizer = tokenizer;
        _decoder = new Utf8TokenDecoder(tokenizer);
        _headerRole = role;
        State = role is null ? HarmonyParserState.ExpectStart : HarmonyParserState.Header;
    }

    /// <summary>Where the parser is after the last token.</summary>
    public HarmonyParserState State { get; private set; }

    /// <summary>The header of the message whose body is being read; null outside a body.</summary>
    public MessageHeader? CurrentHeader { get; private set; }

    /// <summary>The channel of the current message, or null.</summary>
    public string? CurrentChannel => CurrentHeader?.Channel;

    /// <summary>The recipient of the current message, or null.</summary>
    public string? CurrentRecipient => CurrentHeader?.Recipient;

    /// <summary>The part of a header read so far; empty outside a header.</summary>
    public string PendingHeader => _header.ToString();

    /// <summary>Takes the next token.</summary>
    /// <param name="id">Any id; one that does not exist reads as U+FFFD.</param>
    /// <returns>What happened, in order; often nothing.</returns>
    public IReadOnlyList<HarmonyStreamEvent> Append(int id)
    {
        switch (State)
        {
            case HarmonyParserState.Content:
                AppendToContent(id);
                break;
            case HarmonyParserState.Header:
                AppendToHeader(id);
                break;
            default:
                AppendBetweenMessages(id);
                break;
        }

        return TakeEvents();
    }

    /// <summary>Ends the tokens: closes a message in its body as truncated; a header without a body is nothing.</summary>
    public IReadOnlyList<HarmonyStreamEvent> Finish()
    {
        if (State == HarmonyParserState.Content)
        {
            EndMessage(MessageEnding.Truncated);
        }

        _decoder.Flush();
        _header.Clear();
        State = HarmonyParserState.ExpectStart;
        return TakeEvents();
    }

    private void AppendBetweenMessages(int id)
    {
        if (EndingOf(id) is not null)
        {
            return;
        }

        BeginHeader(role: null, isStray: id != ControlToken.Start);
        if (_isStray)
        {
            AppendToHeader(id);
        }
    }

    private void AppendToHeader(int id)
    {
        if (id == ControlToken.Message)
        {
            var text = TakeHeader();
            BeginMessage(MessageHeaderParser.Parse(text, _headerRole, _isStray));
        }
        else if (id == ControlToken.Start)
        {
            RecoverHeader(MessageEnding.NextMessage);
            BeginHeader(role: null, isStray: false);
        }
        else if (EndingOf(id) is { } ending)
        {
            RecoverHeader(ending);
        }
        else
        {
            _header.Append(Decode(id));
            if (_header.Length > MaxHeaderLength)
            {
                var header = MessageHeaderParser.ParseWithBody(TakeHeader(), _headerRole, _isStray, out var body);
                BeginMessage(header);
                AddDelta(body);
            }
        }
    }

    private void AppendToContent(int id)
    {
        if (EndingOf(id) is { } ending)
        {
            EndMessage(ending);
        }
        else if (id is ControlToken.Start or ControlToken.Channel)
        {
            var role = CurrentHeader!.Role;
            EndMessage(MessageEnding.NextMessage);
            BeginHeader(id == ControlToken.Start ? null : role, isStray: false);
            _header.Append(id == ControlToken.Start ? string.Empty : ControlToken.GetSpelling(id));
        }
        else
        {
            AddDelta(Decode(id));
        }
    }

    private void BeginHeader(HarmonyRole? role, bool isStray)
    {
        (_headerRole, _isStray) = (role, isStray);
        State = HarmonyParserState.Header;
    }

    /// <summary>Makes a message of a header whose <c>&lt;|message|&gt;</c> never came, if there is anything to tell.</summary>
    private void RecoverHeader(MessageEnding ending)
    {
        var header = MessageHeaderParser.ParseWithBody(TakeHeader(), _headerRole, _isStray, out var body);
        State = HarmonyParserState.ExpectStart;
        if (body.Length > 0 || (header.Channel is not null && ending != MessageEnding.NextMessage))
        {
            BeginMessage(header);
            AddDelta(body);
            EndMessage(ending);
        }
    }

    private void BeginMessage(MessageHeader header)
    {
        CurrentHeader = header;
        State = HarmonyParserState.Content;
        _events.Add(new HarmonyStreamEvent(HarmonyStreamEventKind.MessageStarted, header));
    }

    private void AddDelta(string text)
    {
        if (text.Length > 0)
        {
            _events.Add(new HarmonyStreamEvent(HarmonyStreamEventKind.TextDelta, CurrentHeader!) { Text = text });
        }
    }

    private void EndMessage(MessageEnding ending)
    {
        AddDelta(_decoder.Flush());
        _events.Add(new HarmonyStreamEvent(HarmonyStreamEventKind.MessageEnded, CurrentHeader!) { Ending = ending });
        CurrentHeader = null;
        State = HarmonyParserState.ExpectStart;
    }

    private string TakeHeader()
    {
        var text = _header.Append(_decoder.Flush()).ToString();
        _header.Clear();
        return text;
    }

    private string Decode(int id) => _decoder.Append(_tokenizer.TryGetBytes(id, out var bytes) ? bytes : "\uFFFD"u8);

    private List<HarmonyStreamEvent> TakeEvents()
    {
        var events = _events;
        _events = [];
        return events;
    }

    private static MessageEnding? EndingOf(int id) => id switch
    {
        ControlToken.End => MessageEnding.End,
        ControlToken.Return => MessageEnding.Return,
        ControlToken.Call => MessageEnding.Call,
        ControlToken.EndOfText => MessageEnding.EndOfText,
        _ => null,
    };
}
