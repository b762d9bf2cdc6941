using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>Parses whole token sequences.</summary>
public static class HarmonyParser
{
    /// <summary>
    /// Parses tokens into messages, as <see cref="HarmonyStreamParser"/> does. A message cut off in its body is included.
    /// </summary>
    /// <param name="tokenizer">Knows the bytes of the tokens.</param>
    /// <param name="ids">Any tokens.</param>
    /// <param name="role">The role when the tokens go on within a header; null when they begin with <c>&lt;|start|&gt;</c>.</param>
    public static IReadOnlyList<HarmonyMessage> Parse(HarmonyTokenizer tokenizer, IEnumerable<int> ids, HarmonyRole? role = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var parser = new HarmonyStreamParser(tokenizer, role);
        var messages = new List<HarmonyMessage>();
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            Collect(parser.Append(id));
        }

        Collect(parser.Finish());
        return messages;

        void Collect(IReadOnlyList<HarmonyStreamEvent> events)
        {
            foreach (var found in events)
            {
                text.Append(found.Text);
                if (found.Kind == HarmonyStreamEventKind.MessageEnded)
                {
                    messages.Add(found.Header.ToMessage(text.ToString()));
                    text.Clear();
                }
            }
        }
    }
}
