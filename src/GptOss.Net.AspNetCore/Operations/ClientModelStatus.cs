using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>The status of a chat client that is there from the start.</summary>
internal sealed class ClientModelStatus(IChatClient client) : IModelStatus
{
    public string ModelId { get; } = client.GetService<ChatClientMetadata>()?.DefaultModelId ?? "model";

    public ModelState State => Model is null or { Health: ModelHealth.Ready } ? ModelState.Ready : ModelState.Failed;

    public LoadProgress? Progress => null;

    public string? Failure => State == ModelState.Ready ? null : $"The model is {Model!.Health}; its log tells why. Restart the server.";

    public GptOssModel? Model { get; } = client.GetService<GptOssModel>();
}
