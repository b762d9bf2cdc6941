using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>What the scripted client was asked.</summary>
internal sealed record ScriptedRequest(IReadOnlyList<ChatMessage> Messages, ChatOptions Options, CancellationToken CancellationToken)
{
    public GptOssRequestOptions Own => (GptOssRequestOptions)Options.RawRepresentationFactory!(null!)!;
}
