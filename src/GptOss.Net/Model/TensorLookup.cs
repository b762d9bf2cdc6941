using System.Collections.Immutable;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>
/// Finds tensors by name and checks type and shape. A missing one is noted and stood in for, so that
/// <see cref="ThrowIfMissingOrUnknown"/> can report all of them at once.
/// </summary>
internal sealed class TensorLookup(ICheckpoint checkpoint)
{
    private const int NamesInMessage = 5;

    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly List<string> _missing = [];
    private int _missingCount;

    public bool Contains(string name) => checkpoint.Tensors.ContainsKey(name);

    /// <summary>Gets a tensor of BF16, F16 or F32 values.</summary>
    public CheckpointTensor Values(string name, params ReadOnlySpan<long> shape) =>
        Find(name, shape, [TensorType.BF16, TensorType.F16, TensorType.F32]);

    public CheckpointTensor Get(TensorType type, string name, params ReadOnlySpan<long> shape) => Find(name, shape, [type]);

    /// <summary>The output projection that the config ties to the embedding; some writers store that matrix twice.</summary>
    /// <exception cref="CheckpointException">It is stored with other values.</exception>
    public DenseWeightSource Tied(DenseWeightSource embedding, string name)
    {
        if (Contains(name)
            && Values(name, embedding.OutputSize, embedding.InputSize) is var stored
            && Contains(embedding.Values.Name)
            && !stored.HasValuesOf(embedding.Values))
        {
            throw new CheckpointException(
                $"differs from {embedding.Values.Name}, but config.json says tie_word_embeddings. Set that to false, or remove the tensor.",
                stored.Source.Path,
                name);
        }

        return embedding;
    }

    public void ThrowIfMissingOrUnknown()
    {
        var unknown = checkpoint.Tensors.Keys.Where(name => !_used.Contains(name)).Order(StringComparer.Ordinal).ToList();
        if (_missingCount > 0)
        {
            // Under another name, as adapters and wrapped models have them?
            var others = unknown.Count > 0
                ? $" It has {unknown.Count:N0} that gpt-oss does not: {Some(unknown, unknown.Count)}."
                : string.Empty;
            throw new CheckpointException(
                $"'{checkpoint.Location}' lacks {_missingCount:N0} of the tensors that its config asks for: "
                + $"{Some(_missing, _missingCount)}.{others} Is the download complete, "
                + $"and does {checkpoint.ConfigPath} belong to these weights?");
        }

        if (unknown.Count > 0)
        {
            throw new CheckpointException(
                $"'{checkpoint.Location}' has {unknown.Count:N0} tensors that gpt-oss does not: {Some(unknown, unknown.Count)}. "
                + $"Does {checkpoint.ConfigPath} belong to these weights?");
        }
    }

    private static string Some(List<string> names, int count) =>
        string.Join(", ", names.Take(NamesInMessage)) + (count > NamesInMessage ? ", …" : string.Empty);

    private CheckpointTensor Find(string name, ReadOnlySpan<long> shape, ReadOnlySpan<TensorType> types)
    {
        if (!checkpoint.Tensors.TryGetValue(name, out var tensor))
        {
            return StandIn(name, types[0], shape);
        }

        _used.Add(name);
        if (!types.Contains(tensor.Type))
        {
            throw new CheckpointException(
                $"is {tensor.Type}; expected {string.Join(" or ", types.ToArray())}.", tensor.Source.Path, name);
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new CheckpointException(
                $"has shape [{string.Join(", ", tensor.Shape)}]; "
                + $"{Path.GetFileName(checkpoint.ConfigPath)} asks for [{string.Join(", ", shape.ToArray())}].",
                tensor.Source.Path,
                name);
        }

        return tensor;
    }

    private CheckpointTensor StandIn(string name, TensorType type, ReadOnlySpan<long> shape)
    {
        _missingCount++;
        if (_missing.Count < NamesInMessage)
        {
            _missing.Add(name);
        }

        return new CheckpointTensor(new MissingTensor(checkpoint.Location), name, type, [.. shape]);
    }

    private sealed class MissingTensor(string path) : ITensorSource
    {
        public string Path => path;

        public void Read(long offset, Span<byte> destination, string? tensor) => throw new CheckpointException("is missing.", path, tensor);
    }
}
