using GptOss.Net.Checkpoint.Gguf;

namespace GptOss.Net.Checkpoint;

/// <summary>What a model is called, from where its checkpoint lies.</summary>
internal static class ModelName
{
    private const string CachedRepository = "models--"; // models--openai--gpt-oss-20b/snapshots/<commit>
    private const string Snapshots = "snapshots";
    private const string OriginalLayout = "original"; // gpt-oss-20b/original
    private const string Unnamed = "gpt-oss";

    /// <summary>The name: the last part of an id, or of the folder that stands for the model.</summary>
    public static string Of(string pathOrId) =>
        OllamaLibrary.Recognizes(pathOrId) ? pathOrId[OllamaLibrary.Prefix.Length..].Split('/')[^1]
        : Repository(pathOrId) is { } id ? LastPart(id)
        : pathOrId.EndsWith(GgufCheckpoint.Extension, StringComparison.OrdinalIgnoreCase)
            ? Path.GetFileName(GgufCheckpoint.NameOf(pathOrId))
        : LastPart(Folder(pathOrId));

    /// <summary>Under which names the model may be asked for besides its own.</summary>
    public static IReadOnlyList<string> AliasesOf(string pathOrId) =>
        Repository(pathOrId) is { } id ? [Of(pathOrId), pathOrId, id] : [Of(pathOrId), pathOrId];

    /// <summary>The id of the repository that a folder in the Hugging Face cache was downloaded from.</summary>
    private static string? Repository(string pathOrId)
    {
        var snapshot = new DirectoryInfo(Folder(pathOrId));
        return snapshot is { Parent: { Name: Snapshots, Parent.Name: { } name } }
            && name.StartsWith(CachedRepository, StringComparison.Ordinal)
            ? name[CachedRepository.Length..].Replace("--", "/", StringComparison.Ordinal)
            : null;
    }

    private static string Folder(string pathOrId)
    {
        if (!Directory.Exists(pathOrId) && !File.Exists(pathOrId))
        {
            return pathOrId;
        }

        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(pathOrId));
        path = File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        return string.Equals(Path.GetFileName(path), OriginalLayout, StringComparison.Ordinal) ? Path.GetDirectoryName(path)! : path;
    }

    private static string LastPart(string path) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(path)) is { Length: > 0 } name ? name : Unnamed;
}
