using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>What a request asks of the chat client.</summary>
/// <param name="Messages">The conversation.</param>
/// <param name="Options">How to answer it.</param>
internal sealed record ModelCall(IReadOnlyList<ChatMessage> Messages, ChatOptions Options)
{
    /// <summary>The same with the next seed, for one of several answers.</summary>
    public ModelCall Choice(int index)
    {
        if (index == 0)
        {
            return this;
        }

        var options = Options.Clone();
        options.Seed += index;
        return this with { Options = options };
    }
}
