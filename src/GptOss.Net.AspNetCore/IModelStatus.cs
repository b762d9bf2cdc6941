namespace GptOss.Net.AspNetCore;

/// <summary>Whether the model behind the endpoints can answer. Asked at every request: it must return at once.</summary>
public interface IModelStatus
{
    /// <summary>Gets the model's name.</summary>
    string ModelId { get; }

    /// <summary>Gets how far it is.</summary>
    ModelState State { get; }

    /// <summary>Gets how much of the weights was read, while it loads.</summary>
    LoadProgress? Progress { get; }

    /// <summary>Gets why it cannot answer, and what to change, when it failed.</summary>
    string? Failure { get; }

    /// <summary>
    /// Gets the loaded model, for token endpoints and statistics; <see langword="null"/> if it is not loaded or not a local one.
    /// </summary>
    GptOssModel? Model { get; }
}
