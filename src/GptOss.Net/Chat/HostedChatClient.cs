using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>The chat client of a model that may still be loading: its requests wait.</summary>
internal sealed class HostedChatClient(HostedGptOssModel host) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var model = await host.GetModelAsync(cancellationToken).ConfigureAwait(false);
        return await model.AsIChatClient().GetResponseAsync(messages, options, cancellationToken).ConfigureAwait(false);
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return host.LoadedModel is { } model
            ? model.AsIChatClient().GetStreamingResponseAsync(messages, options, cancellationToken)
            : WaitAndStream(messages, options, cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType == typeof(HostedGptOssModel) ? host
            : serviceType == typeof(ChatClientMetadata) ? GptOssChatClient.CreateMetadata(host.Name)
            : host.LoadedModel?.AsIChatClient().GetService(serviceType);
    }

    public void Dispose()
    {
    }

    private async IAsyncEnumerable<ChatResponseUpdate> WaitAndStream(
        IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var model = await host.GetModelAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var update in model.AsIChatClient().GetStreamingResponseAsync(messages, options, cancellationToken)
            .ConfigureAwait(false))
        {
            yield return update;
        }
    }
}
