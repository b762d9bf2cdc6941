using System.Text;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>Puts the reasoning of one answer into the server's memory, under each call that follows it.</summary>
internal sealed class CallReasoning(ReasoningMemory memory, string caller)
{
    private readonly StringBuilder _reasoning = new();

    public void Add(ChatResponseUpdate update)
    {
        foreach (var content in update.Contents)
        {
            if (content is TextReasoningContent reasoning)
            {
                _reasoning.Append(reasoning.Text);
            }
            else if (content is FunctionCallContent call)
            {
                memory.Remember(caller, call.CallId, _reasoning.ToString());
            }
        }
    }
}
