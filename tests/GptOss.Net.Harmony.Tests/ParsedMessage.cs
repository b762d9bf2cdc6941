namespace GptOss.Net.Harmony.Tests;

/// <summary>A message put together from the events of a stream, whose order is checked.</summary>
internal sealed record ParsedMessage(MessageHeader Header, string Text, MessageEnding Ending)
{
    public static List<ParsedMessage> All(IEnumerable<int> ids, HarmonyRole? role = HarmonyRole.Assistant)
    {
        var parser = new HarmonyStreamParser(Shared.Tokenizer, role);
        var messages = new List<ParsedMessage>();
        MessageHeader? open = null;
        var text = string.Empty;
        foreach (var found in ids.SelectMany(parser.Append).ToList().Concat(parser.Finish()))
        {
            switch (found.Kind)
            {
                case HarmonyStreamEventKind.MessageStarted when open is null:
                    (open, text) = (found.Header, string.Empty);
                    break;
                case HarmonyStreamEventKind.TextDelta when ReferenceEquals(open, found.Header) && found.Text.Length > 0:
                    text += found.Text;
                    break;
                case HarmonyStreamEventKind.MessageEnded when ReferenceEquals(open, found.Header):
                    messages.Add(new ParsedMessage(open!, text, found.Ending!.Value));
                    open = null;
                    break;
                default:
                    throw new InvalidOperationException($"{found.Kind} is out of order.");
            }
        }

        return open is null ? messages : throw new InvalidOperationException("A message was left open.");
    }

    /// <summary><c>role[:author]|channel|recipient|content type|text|recovered|ending</c>.</summary>
    public override string ToString()
    {
        var author = Header.AuthorName is { } name ? $"{Header.Role}:{name}" : $"{Header.Role}";
        var recovered = Header.IsRecovered ? "recovered" : string.Empty;
        return $"{author}|{Header.Channel}|{Header.Recipient}|{Header.ContentType}|{Text}|{recovered}|{Ending}";
    }
}
