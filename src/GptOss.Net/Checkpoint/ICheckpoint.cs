using System.Text.Json;

namespace GptOss.Net.Checkpoint;

/// <summary>
/// An open checkpoint of any form, seen as one in the layout of Hugging Face or the <c>original</c> one: named tensors, and a config.json.
/// </summary>
internal interface ICheckpoint : IDisposable
{
    /// <summary>Gets the directory or file that holds the weights.</summary>
    string Location { get; }

    /// <summary>Gets the path of the file that the config comes from.</summary>
    string ConfigPath { get; }

    /// <summary>Gets the paths of all files that it is read from, the config's included.</summary>
    IEnumerable<string> Paths { get; }

    /// <summary>Gets the tensors by their names.</summary>
    IReadOnlyDictionary<string, CheckpointTensor> Tensors { get; }

    /// <summary>Reads config.json, or what says the same in another form; the caller disposes of it.</summary>
    JsonDocument ReadConfig();
}
