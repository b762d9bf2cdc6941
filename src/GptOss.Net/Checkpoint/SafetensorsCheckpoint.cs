using System.Text.Json;

namespace GptOss.Net.Checkpoint;

/// <summary>
/// An open checkpoint: a directory with one safetensors file, or with an index and its shards, in the layout of Hugging Face or
/// the <c>original</c> one. Owns its files; reads are safe from any thread until it is disposed.
/// </summary>
internal sealed class SafetensorsCheckpoint : ICheckpoint
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";
    private const string ConfigFile = "config.json";

    private readonly List<SafetensorsFile> _files = [];

    // Name → tensor, over all files.
    private readonly Dictionary<string, CheckpointTensor> _tensors = new(StringComparer.Ordinal);

    // The path of the index, where there is one.
    private string? _index;

    private SafetensorsCheckpoint(string directory, string configPath)
    {
        Directory = directory;
        ConfigPath = configPath;
    }

    /// <summary>Gets the directory that holds the weights.</summary>
    public string Directory { get; }

    /// <summary>Gets the path of config.json, which exists.</summary>
    public string ConfigPath { get; }

    public string Location => Directory;

    public IReadOnlyList<SafetensorsFile> Files => _files;

    public IEnumerable<string> Paths => _files.Select(file => file.Path).Append(ConfigPath);

    public IReadOnlyDictionary<string, CheckpointTensor> Tensors => _tensors;

    /// <summary>Opens a checkpoint and checks the headers of its files; no tensor is read.</summary>
    /// <param name="path">
    /// A directory with <c>model.safetensors</c>, or with <c>model.safetensors.index.json</c> and its shards, or with a
    /// subdirectory <c>original</c> that has one of these; and <c>config.json</c> beside the weights or above <c>original</c>. Or
    /// one of these files.
    /// </param>
    public static SafetensorsCheckpoint Open(string path)
    {
        var named = File.Exists(path) ? Path.GetFullPath(path) : null;
        var directory = named is null ? path : Path.GetDirectoryName(named)!;
        var weights = new[] { directory, Path.Combine(directory, "original") }.FirstOrDefault(HasWeights) ?? throw NoWeights(directory);
        var config = new[] { weights, directory }.Select(path => Path.Combine(path, ConfigFile)).FirstOrDefault(File.Exists)
            ?? throw new CheckpointException($"'{weights}' has no {ConfigFile}. Is the download complete?");

        var checkpoint = new SafetensorsCheckpoint(weights, config);
        try
        {
            checkpoint.OpenFiles();
            checkpoint.CheckIsRead(named);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Whether a directory, or its subdirectory <c>original</c>, has weights of this form.</summary>
    public static bool IsIn(string directory) => HasWeights(directory) || HasWeights(Path.Combine(directory, "original"));

    public JsonDocument ReadConfig() => JsonFile.Read(ConfigPath);

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }

    private static bool HasWeights(string directory) =>
        File.Exists(Path.Combine(directory, SingleFile)) || File.Exists(Path.Combine(directory, IndexFile));

    private static CheckpointException NoWeights(string directory)
    {
        try
        {
            var others = System.IO.Directory.EnumerateFiles(directory, "*.safetensors").Select(Path.GetFileName)
                .Order(StringComparer.Ordinal).Take(3).ToArray();
            var found = others.Length > 0 ? $", but {string.Join(", ", others)}: give such a file the name {SingleFile}" : string.Empty;
            return new CheckpointException(
                $"'{directory}' has neither {SingleFile} nor {IndexFile}, nor has its subdirectory 'original'{found}. "
                + "Is the download complete?");
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            return new CheckpointException($"cannot be read: {exception.Message}", directory, tensor: null, exception);
        }
    }

    /// <summary>Who names a file means that file: one that would not be read is refused.</summary>
    private void CheckIsRead(string? named)
    {
        var weights = _index ?? _files[0].Path;
        if (named is not null
            && !_files.Select(file => file.Path).Append(ConfigPath).Append(weights).Contains(named, StringComparer.Ordinal))
        {
            throw new CheckpointException(
                $"is not what is loaded from its directory: that are {weights} and {ConfigPath}. Give one of these, or move the file to a "
                + $"directory of its own, as {SingleFile} beside its {ConfigFile}.",
                named,
                tensor: null);
        }
    }

    private void OpenFiles()
    {
        // As in transformers, the single file wins over an index.
        var single = Path.Combine(Directory, SingleFile);
        if (File.Exists(single))
        {
            Add(SafetensorsFile.Open(single));
            return;
        }

        _index = Path.Combine(Directory, IndexFile);
        var index = ShardIndex.Read(_index);
        foreach (var shard in index.Shards)
        {
            Add(SafetensorsFile.Open(Path.Combine(Directory, shard)));
        }

        index.Check(_tensors);
    }

    private void Add(SafetensorsFile file)
    {
        _files.Add(file);
        foreach (var tensor in file.Tensors)
        {
            if (!_tensors.TryAdd(tensor.Name, tensor))
            {
                throw new CheckpointException(
                    $"is also in {Path.GetFileName(_tensors[tensor.Name].Source.Path)}.", file.Path, tensor.Name);
            }
        }
    }
}
