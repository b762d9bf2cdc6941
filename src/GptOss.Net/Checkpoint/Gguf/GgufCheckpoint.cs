using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>An open GGUF file, or all parts of a split one. Owns its files; reads are safe from any thread until it is disposed.</summary>
internal sealed partial class GgufCheckpoint : ICheckpoint
{
    public const string Extension = ".gguf";

    private const int MaxParts = 1_000;

    private readonly IReadOnlyList<CheckpointFile> _files;
    private readonly GgufConfig _config;

    private GgufCheckpoint(string location, IReadOnlyList<CheckpointFile> files, IReadOnlyList<GgufHeader> parts)
    {
        (Location, _files) = (location, files);
        var tensors = parts.SelectMany(part => part.Tensors).ToList();
        var byName = new Dictionary<string, GgufTensor>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            if (!byName.TryAdd(tensor.Name, tensor))
            {
                throw new CheckpointException(
                    $"is also in {Path.GetFileName(byName[tensor.Name].File.Path)}.", tensor.File.Path, tensor.Name);
            }
        }

        _config = new GgufConfig(location, parts[0].Metadata, byName).Check();

        // A layer has tensors: more layers than those cannot be.
        Tensors = GgufNames.Map(tensors, Math.Min(_config.LayerCount, tensors.Count), _config.HeadCounts);
    }

    public string Location { get; }

    public string ConfigPath => Location;

    public IEnumerable<string> Paths => _files.Select(file => file.Path);

    public IReadOnlyDictionary<string, CheckpointTensor> Tensors { get; }

    /// <summary>Opens a file and checks its header; no tensor is read.</summary>
    /// <param name="path">The file; of a split one, any part: <c>NAME-00001-of-00003.gguf</c>.</param>
    public static GgufCheckpoint Open(string path)
    {
        var files = new List<CheckpointFile>();
        try
        {
            var parts = new List<GgufHeader>();
            foreach (var part in Parts(path))
            {
                files.Add(CheckpointFile.Open(part));
                parts.Add(ReadHeader(files[^1]));
            }

            CheckSplit(files, parts);
            return new GgufCheckpoint(path, files, parts);
        }
        catch
        {
            files.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>A checkpoint of one part whose bytes are anywhere.</summary>
    public static GgufCheckpoint Open(ITensorSource bytes, long length) => new(bytes.Path, [], [GgufHeader.Read(bytes, length)]);

    /// <summary>The path of the model that a GGUF file is, or is a part of, without what marks the part and the form.</summary>
    public static string NameOf(string path) =>
        SplitName().Match(path) is { Success: true } match ? match.Groups["name"].Value : path[..^Extension.Length];

    /// <summary>The one GGUF model of a folder, split or not; <see langword="null"/> where there is none.</summary>
    /// <exception cref="CheckpointException">There are several.</exception>
    public static string? FindIn(string directory)
    {
        var models = Directory.EnumerateFiles(directory, "*" + Extension)
            .Where(
                path => SplitName().Match(path) is not { Success: true } match
                    || int.Parse(match.Groups["part"].ValueSpan, CultureInfo.InvariantCulture) == 1)
            .Order(StringComparer.Ordinal)
            .ToList();
        return models.Count <= 1
            ? models.FirstOrDefault()
            : throw new CheckpointException(
                $"'{directory}' has several GGUF models: {string.Join(", ", models.Take(5).Select(Path.GetFileName))}. "
                + "Give the path of one of them.");
    }

    public JsonDocument ReadConfig() => _config.Write();

    public void Dispose()
    {
        foreach (var file in _files)
        {
            file.Dispose();
        }
    }

    private static GgufHeader ReadHeader(CheckpointFile file)
    {
        Span<byte> start = stackalloc byte[(int)Math.Min(LfsPointer.Start.Length, file.Length)];
        file.Read(0, start, tensor: null);
        LfsPointer.Refuse(start, file.Path);
        return GgufHeader.Read(file, file.Length);
    }

    private static IEnumerable<string> Parts(string path)
    {
        if (SplitName().Match(path) is not { Success: true } match)
        {
            return [path];
        }

        var count = int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture);
        return count is > 0 and <= MaxParts
            ? Enumerable.Range(1, count)
                .Select(part => FormattableString.Invariant($"{match.Groups["name"]}-{part:00000}-of-{count:00000}{Extension}"))
            : throw new CheckpointException($"is one of {count:N0} parts; 1 to {MaxParts:N0} are accepted.", path, tensor: null);
    }

    private static void CheckSplit(List<CheckpointFile> files, List<GgufHeader> parts)
    {
        for (var i = 0; i < parts.Count; i++)
        {
            var (number, count) =
                (parts[i].Metadata.GetValueOrDefault("split.no") ?? 0L, parts[i].Metadata.GetValueOrDefault("split.count") ?? 1L);
            if (!Equals(number, (long)i) || (!Equals(count, (long)parts.Count) && !(parts.Count == 1 && Equals(count, 0L))))
            {
                throw new CheckpointException(
                    $"says that it is part {number} of {count}, counted from 0, but is {i} of {parts.Count} by its name. "
                    + "Keep the names NAME-00001-of-0000N.gguf.",
                    files[i].Path,
                    tensor: null);
            }
        }
    }

    [GeneratedRegex(@"^(?<name>.*)-(?<part>\d{5})-of-(?<count>\d{5})\.gguf$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex SplitName();
}
