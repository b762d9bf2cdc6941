using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>Leaves the oldest turns of a conversation out.</summary>
internal static class TurnTruncation
{
    /// <summary>The call without its oldest turn, or <see langword="null"/> if only one is left. What the developer said stays.</summary>
    public static ModelCall? Shorten(ModelCall call)
    {
        var messages = call.Messages;
        var first = IndexOfUser(messages, 0);
        var second = first < 0 ? -1 : IndexOfUser(messages, first + 1);
        return second < 0
            ? null
            : call with
            {
                Messages = [.. messages.Take(second).Where(message => message.Role == ChatRole.System), .. messages.Skip(second)],
            };
    }

    private static int IndexOfUser(IReadOnlyList<ChatMessage> messages, int start)
    {
        for (var i = start; i < messages.Count; i++)
        {
            if (messages[i].Role == ChatRole.User)
            {
                return i;
            }
        }

        return -1;
    }
}
