using GptOss.Net.AspNetCore;

namespace GptOss.Net.WebChat.Tests;

/// <summary>A model's status that a test sets.</summary>
internal sealed class PageStatus : IModelStatus
{
    public string ModelId => "scripted";

    public ModelState State { get; set; } = ModelState.Ready;

    public LoadProgress? Progress { get; set; }

    public string? Failure { get; set; }

    public GptOssModel? Model => null;
}
