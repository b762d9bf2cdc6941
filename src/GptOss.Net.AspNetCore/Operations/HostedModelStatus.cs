namespace GptOss.Net.AspNetCore.Operations;

/// <summary>The status of a model that the application loads in the background.</summary>
internal sealed class HostedModelStatus(HostedGptOssModel host) : IModelStatus
{
    public string ModelId => host.Name;

    public ModelState State => host.Failure is not null ? ModelState.Failed
        : Model is null ? ModelState.Loading
        : Model.Health == ModelHealth.Ready ? ModelState.Ready
        : ModelState.Failed;

    public LoadProgress? Progress => host.Progress;

    public string? Failure => host.Failure?.Message ?? (Model is { Health: not ModelHealth.Ready } model
        ? $"The model is {model.Health}; its log tells why. Restart the server."
        : null);

    public GptOssModel? Model => host.GetModelAsync() is { IsCompletedSuccessfully: true } loaded ? loaded.Result : null;
}
