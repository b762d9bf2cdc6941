using GptOss.Net.Checkpoint.Gguf;

namespace GptOss.Net.Checkpoint;

/// <summary>Opens a checkpoint in the form that it has.</summary>
internal static class CheckpointOpener
{
    /// <summary>Opens safetensors where there are any, otherwise GGUF.</summary>
    /// <param name="path">A directory or a file, as <see cref="CheckpointLocator"/> gives them.</param>
    public static ICheckpoint Open(string path)
    {
        if (File.Exists(path))
        {
            return IsGguf(path) ? GgufCheckpoint.Open(path) : SafetensorsCheckpoint.Open(path);
        }

        return !SafetensorsCheckpoint.IsIn(path) && Directory.Exists(path) && GgufCheckpoint.FindIn(path) is { } model
            ? GgufCheckpoint.Open(model)
            : SafetensorsCheckpoint.Open(path);
    }

    /// <summary>Whether a file is GGUF: by its name or, for Ollama's blobs, which have none, by its first bytes.</summary>
    public static bool IsGguf(string path)
    {
        if (path.EndsWith(GgufCheckpoint.Extension, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        if (Path.HasExtension(path))
        {
            return false;
        }

        using var file = CheckpointFile.Open(path);
        Span<byte> start = stackalloc byte[4];
        if (file.Length < start.Length)
        {
            return false;
        }

        file.Read(0, start, tensor: null);
        return start.SequenceEqual("GGUF"u8);
    }
}
