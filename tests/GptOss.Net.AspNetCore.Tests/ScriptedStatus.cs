namespace GptOss.Net.AspNetCore.Tests;

/// <summary>A model's status that a test sets.</summary>
internal sealed class ScriptedStatus : IModelStatus
{
    public string ModelId => "scripted";

    public ModelState State { get; set; }

    public LoadProgress? Progress { get; set; }

    public string? Failure { get; set; }

    public GptOssModel? Model => null;
}
