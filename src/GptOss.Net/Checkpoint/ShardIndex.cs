using System.Text.Json;

namespace GptOss.Net.Checkpoint;

/// <summary>model.safetensors.index.json: which shard holds each tensor. An untrusted input, like the shards.</summary>
internal sealed class ShardIndex
{
    private const int MaxShards = 1_000;
    private const string Extension = ".safetensors";

    private readonly string _path;

    // Tensor → file name.
    private readonly Dictionary<string, string> _shardOf;

    private ShardIndex(string path, Dictionary<string, string> shardOf)
    {
        _path = path;
        _shardOf = shardOf;
        Shards = [.. shardOf.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>Gets the names of the shards: plain file names, in the index's own directory.</summary>
    public IReadOnlyList<string> Shards { get; }

    public static ShardIndex Read(string path)
    {
        using var document = JsonFile.Read(path);
        if (document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("weight_map", out var map)
            || map.ValueKind != JsonValueKind.Object)
        {
            throw new CheckpointException("has no object 'weight_map'.", path, tensor: null);
        }

        var index = new ShardIndex(path, ReadMap(map, path));
        return index.Shards.Count <= MaxShards
            ? index
            : throw new CheckpointException(
                $"names {index.Shards.Count:N0} shards; at most {MaxShards:N0} are accepted.", path, tensor: null);
    }

    /// <summary>Checks that the shards hold what the index says, and nothing else.</summary>
    /// <param name="tensors">The tensors of all shards.</param>
    public void Check(IReadOnlyDictionary<string, CheckpointTensor> tensors)
    {
        foreach (var (name, shard) in _shardOf)
        {
            if (!tensors.TryGetValue(name, out var tensor)
                || !string.Equals(Path.GetFileName(tensor.Source.Path), shard, StringComparison.Ordinal))
            {
                throw new CheckpointException($"is not in {shard}, where the index puts it.", _path, name);
            }
        }

        if (tensors.Keys.FirstOrDefault(name => !_shardOf.ContainsKey(name)) is { } unlisted)
        {
            throw new CheckpointException(
                $"is in {Path.GetFileName(tensors[unlisted].Source.Path)}, but not in the index.", _path, unlisted);
        }
    }

    private static Dictionary<string, string> ReadMap(JsonElement map, string path)
    {
        try
        {
            return map.EnumerateObject().ToDictionary(entry => entry.Name, entry => ReadShardName(entry, path), StringComparer.Ordinal);
        }
        catch (InvalidOperationException exception)
        {
            throw new CheckpointException("holds an escape that is half of a surrogate pair.", path, tensor: null, exception);
        }
    }

    private static string ReadShardName(JsonProperty entry, string path)
    {
        var shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : string.Empty;
        var isPlain = shard.EndsWith(Extension, StringComparison.Ordinal)
            && shard.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
            && !shard.StartsWith('.');
        return isPlain
            ? shard
            : throw new CheckpointException(
                $"its shard must be a plain file name that ends in {Extension}, in the directory of the index.", path, entry.Name);
    }
}
