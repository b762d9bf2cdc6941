using System.Text.RegularExpressions;

namespace GptOss.Net.Harmony;

/// <summary>
/// Reads the text of a header, control tokens spelled out: <c>role[:name]</c> unless it is known, then in any order
/// <c>to=recipient</c>, <c>&lt;|channel|&gt;channel</c> and a content type. Whatever else there is, something sensible comes out.
/// </summary>
internal sealed partial class MessageHeaderParser
{
    private const string ChannelMarker = "<|channel|>";
    private const string ConstrainMarker = "<|constrain|>";
    private const string RecipientSign = "to=";
    private const string MarkerStart = "<|";

    private static readonly string[] Channels = [HarmonyChannel.Analysis, HarmonyChannel.Commentary, HarmonyChannel.Final];

    private readonly string _text;
    private readonly bool _hasBody;
    private int _position;

    private HarmonyRole? _role;
    private string? _authorName;
    private string? _recipient;
    private string? _channel;
    private string? _contentType;
    private bool _isRecovered;

    private MessageHeaderParser(string text, HarmonyRole? role, bool hasBody) => (_text, _role, _hasBody) = (text, role, hasBody);

    /// <summary>Reads a header that <c>&lt;|message|&gt;</c> followed.</summary>
    /// <param name="text">The header.</param>
    /// <param name="role">The role when the header does not begin with it.</param>
    /// <param name="isStray">Whether <c>&lt;|start|&gt;</c> was missing.</param>
    public static MessageHeader Parse(string text, HarmonyRole? role, bool isStray)
    {
        var parser = new MessageHeaderParser(text, role, hasBody: false);
        parser.ReadAll();
        return parser.ToHeader(isStray);
    }

    /// <summary>Reads a header that <c>&lt;|message|&gt;</c> did not follow: what cannot belong to the header is the body.</summary>
    public static MessageHeader ParseWithBody(string text, HarmonyRole? role, bool isStray, out string body)
    {
        var parser = new MessageHeaderParser(text, role, hasBody: true) { _isRecovered = true };
        body = text[parser.ReadAll()..];
        return parser.ToHeader(isStray && body.Length > 0);
    }

    private MessageHeader ToHeader(bool isStray) => new()
    {
        Role = _role ?? HarmonyRole.Assistant,
        AuthorName = _authorName,
        Recipient = _recipient,
        Channel = _channel ?? (isStray ? HarmonyChannel.Analysis : null), // stray text is not for the user
        ContentType = _contentType,
        IsRecovered = _isRecovered || isStray || _role is null,
        RawText = _text,
    };

    /// <summary>Reads up to the body, or to the end; returns where the body begins.</summary>
    private int ReadAll()
    {
        while (SkipWhiteSpace())
        {
            var wordStart = _position;
            if (TrySkip(ChannelMarker))
            {
                ReadChannel();
            }
            else if (!Accept(ReadWord()))
            {
                if (_hasBody)
                {
                    return wordStart;
                }

                _isRecovered = true;
            }
        }

        return _text.Length;
    }

    private void ReadChannel()
    {
        _role ??= HarmonyRole.Assistant;
        SkipWhiteSpace();
        var end = _text.AsSpan(_position).IndexOfAny(" \t\r\n<");
        var value = end < 0 ? _text.AsSpan(_position) : _text.AsSpan(_position, end);
        foreach (var channel in Channels)
        {
            if (value.StartsWith(channel, StringComparison.Ordinal))
            {
                _isRecovered |= value.Length > channel.Length || _channel is not null;
                _channel = channel; // of several channels the last counts: the body was written under it
                var isMore = _hasBody || value[channel.Length..].StartsWith(RecipientSign, StringComparison.Ordinal);
                _position += isMore ? channel.Length : value.Length;
                return;
            }
        }

        _isRecovered = true;
        _channel ??= HarmonyChannel.Analysis;
        _position += value.Length;
    }

    /// <summary>Takes a word into the header; false when it does not belong there.</summary>
    private bool Accept(string word)
    {
        if (word.StartsWith(RecipientSign, StringComparison.Ordinal))
        {
            return TakeRecipient(word[RecipientSign.Length..]);
        }

        if (word.StartsWith(ConstrainMarker, StringComparison.Ordinal))
        {
            return TakeContentType(word);
        }

        if (_role is null)
        {
            return TakeAuthor(word);
        }

        if (word is "json" || (!_hasBody && word is "code" or "text"))
        {
            return TakeContentType(word);
        }

        // Some calls name the tool without "to=". A word can only be guessed at when it cannot be the body.
        var isName = !_hasBody && Identifier.IsMatch(word) && HarmonyRoleNames.Find(word) is null;
        var isTool = word.Contains('.', StringComparison.Ordinal) || word is "python" || _channel is HarmonyChannel.Commentary;
        return isName && (isTool ? TakeRecipient(word) : TakeContentType(word));
    }

    private bool TakeAuthor(string word)
    {
        var colon = word.IndexOf(':', StringComparison.Ordinal);
        if (HarmonyRoleNames.Find(colon < 0 ? word : word.AsSpan(0, colon)) is { } role)
        {
            (_role, _authorName) = (role, colon < 0 ? null : word[(colon + 1)..]);
            return true;
        }

        if (word.StartsWith("assistant", StringComparison.Ordinal))
        {
            (_role, _isRecovered) = (HarmonyRole.Assistant, true);
            return true;
        }

        var isTool = _hasBody ? ToolName.IsMatch(word) : Identifier.IsMatch(word);
        (_role, _authorName) = isTool ? (HarmonyRole.Tool, word) : (HarmonyRole.Assistant, null);
        return isTool;
    }

    private bool TakeRecipient(string name)
    {
        _isRecovered |= _recipient is not null || name.Length == 0;
        var isNew = _recipient is null && name.Length > 0;
        _recipient = isNew ? name : _recipient;
        return isNew || string.Equals(name, _recipient, StringComparison.Ordinal);
    }

    private bool TakeContentType(string name)
    {
        var isNew = _contentType is null;
        _contentType ??= name;
        return isNew;
    }

    private string ReadWord()
    {
        var start = _position;
        var isConstrained = TrySkip(ConstrainMarker) && (_hasBody || SkipWhiteSpace());
        var valueStart = _position;
        if (!isConstrained && TrySkip(MarkerStart))
        {
            var close = _text.IndexOf("|>", _position, StringComparison.Ordinal);
            _position = close < 0 ? _text.Length : close + 2;
            return _text[start.._position];
        }

        while (_position < _text.Length && !char.IsWhiteSpace(_text[_position])
            && string.CompareOrdinal(_text, _position, MarkerStart, 0, MarkerStart.Length) != 0)
        {
            _position++;
        }

        return isConstrained ? ConstrainMarker + _text[valueStart.._position] : _text[start.._position];
    }

    private bool SkipWhiteSpace()
    {
        while (_position < _text.Length && char.IsWhiteSpace(_text[_position]))
        {
            _position++;
        }

        return _position < _text.Length;
    }

    private bool TrySkip(string marker)
    {
        var found = string.CompareOrdinal(_text, _position, marker, 0, marker.Length) == 0;
        _position += found ? marker.Length : 0;
        return found;
    }

    [GeneratedRegex(@"^[\p{L}_][\p{L}\p{N}_.:\-]*\z")]
    private static partial Regex Identifier { get; }

    [GeneratedRegex(@"^[\p{L}_][\p{L}\p{N}_\-]*\.[\p{L}\p{N}_.:\-]+\z")]
    private static partial Regex ToolName { get; }
}
