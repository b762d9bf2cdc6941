using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.VectorData;

namespace GptOss.Net.Recipes.Tests;

/// <summary>A vector store that holds its records in memory and compares every one; as much of it as the recipe needs.</summary>
internal sealed class InMemoryCollection : VectorStoreCollection<string, Recipes.Passage>
{
    private readonly Dictionary<string, Recipes.Passage> _records = new(StringComparer.Ordinal);

    public override string Name => "passages";

    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) => Task.FromResult(true);

    public override Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default)
    {
        _records.Clear();
        return Task.CompletedTask;
    }

    public override Task<Recipes.Passage?> GetAsync(
        string key, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(_records.GetValueOrDefault(key));

    public override IAsyncEnumerable<Recipes.Passage> GetAsync(
        Expression<Func<Recipes.Passage, bool>> filter,
        int top,
        FilteredRecordRetrievalOptions<Recipes.Passage>? options = null,
        CancellationToken cancellationToken = default) => _records.Values.Where(filter.Compile()).Take(top).ToAsyncEnumerable();

    public override Task DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        _records.Remove(key);
        return Task.CompletedTask;
    }

    public override Task UpsertAsync(Recipes.Passage record, CancellationToken cancellationToken = default)
    {
        _records[record.Id] = record;
        return Task.CompletedTask;
    }

    public override async Task UpsertAsync(IEnumerable<Recipes.Passage> records, CancellationToken cancellationToken = default)
    {
        foreach (var record in records)
        {
            await UpsertAsync(record, cancellationToken);
        }
    }

    public override async IAsyncEnumerable<VectorSearchResult<Recipes.Passage>> SearchAsync<TInput>(
        TInput searchValue,
        int top,
        VectorSearchOptions<Recipes.Passage>? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        var vector = searchValue is ReadOnlyMemory<float> given ? given : throw new NotSupportedException("Search with a vector.");
        var hits = _records.Values
            .Select(record => new VectorSearchResult<Recipes.Passage>(record, Similarity(record.Vector.Span, vector.Span)))
            .OrderByDescending(hit => hit.Score)
            .Take(top);
        foreach (var hit in hits)
        {
            yield return hit;
        }
    }

    public override object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

    private static double Similarity(ReadOnlySpan<float> first, ReadOnlySpan<float> second)
    {
        var (product, firstLength, secondLength) = (0.0, 1e-9, 1e-9);
        for (var i = 0; i < first.Length; i++)
        {
            product += first[i] * second[i];
            firstLength += first[i] * first[i];
            secondLength += second[i] * second[i];
        }

        return product / Math.Sqrt(firstLength * secondLength);
    }
}
