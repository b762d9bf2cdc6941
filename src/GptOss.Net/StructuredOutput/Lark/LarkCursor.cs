namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>The words of a grammar, one after the other.</summary>
internal sealed class LarkCursor(IReadOnlyList<LarkToken> tokens)
{
    /// <summary>How many words were taken; may be set back.</summary>
    public int Position { get; set; }

    /// <summary>The next word.</summary>
    public LarkToken Current => tokens[Position];

    /// <summary>Goes past the ends of lines; returns what follows them.</summary>
    public LarkToken SkipNewLines()
    {
        while (Current.Kind == LarkTokenKind.NewLine)
        {
            Position++;
        }

        return Current;
    }

    /// <summary>Takes the next word; the last one, the end, remains.</summary>
    public LarkToken Take()
    {
        var token = Current;
        Position = Math.Min(Position + 1, tokens.Count - 1);
        return token;
    }

    /// <summary>Takes the next word if it is this operator or bracket.</summary>
    public bool TryTake(string symbol)
    {
        if (!Current.Is(symbol))
        {
            return false;
        }

        Position++;
        return true;
    }

    /// <summary>What to say of a word that cannot stand where it does.</summary>
    public static LarkException Unexpected(LarkToken token) => new(token.Place, token switch
    {
        { Kind: not LarkTokenKind.Symbol } => $"{token} cannot stand here; expected the end of the line",
        { Text: "?" or "*" or "+" or "~" } =>
            $"{token} has nothing before it to repeat; put what it repeats before it, in parentheses if that is repeated, too",
        { Text: ")" or "]" } => $"{token} has no opening bracket before it; remove it",
        { Text: ":" } => "a colon within a rule; begin each rule on a line of its own",
        { Text: "{" or "}" } => "templates are not supported; write the rule out for each of its uses",
        { Text: "!" } => "'!' stands before the name that a rule begins with; remove it here",
        { Text: ".." } => "a range goes from one character to another; write \"a\"..\"z\"",
        _ => $"{token} cannot stand here; expected a name, a text, a regular expression, a group or the end of the line",
    });

    /// <exception cref="LarkException">The next word is not this operator or bracket.</exception>
    public void Expect(string symbol, string otherwise)
    {
        if (!TryTake(symbol))
        {
            throw new LarkException(Current.Place, otherwise);
        }
    }

    /// <exception cref="LarkException">It names neither a rule nor a terminal.</exception>
    public static void CheckName(LarkToken name)
    {
        var letters = name.Text.TrimStart('_');
        if (letters is not [>= 'a' and <= 'z' or >= 'A' and <= 'Z', ..]
            || (letters.Any(char.IsAsciiLetterUpper) && letters.Any(char.IsAsciiLetterLower)))
        {
            throw new LarkException(
                name.Place,
                $"'{name.Text}' is no name; write rules in lower case and terminals in capitals, with digits and '_' after a letter");
        }
    }
}
