using GptOss.Net.Tests.Model;

namespace GptOss.Net.Tests;

/// <summary>
/// Checkpoints that are altered at random, one seed for each: those that mean the same give equal logits, all others end in an error that
/// names the cause. Nothing else may happen.
/// </summary>
public sealed class AlteredCheckpointTests
{
    private static readonly string[] FixtureNames = ["a", "a-awq", "b"];
    private static readonly int[] Prompt = [5, 17, 703, 44, 44, 1, 700, 12, 90, 91, 92, 333, 5, 17, 44, 250, 251, 600, 9, 8];

    private readonly Dictionary<(string Fixture, GptOssModelOptions Options), float[]> _expected = [];

    [Fact]
    public async Task Three_hundred_variants_give_equal_logits_or_an_error_that_names_the_cause()
    {
        var problems = new List<string>();
        var (equal, refused) = (0, 0);
        for (var seed = 0; seed < LongTests.Cases(300, 10_000); seed++)
        {
            var variant = Variant.Of(seed);
            if (await Problem(variant) is { } problem)
            {
                problems.Add($"Seed {seed}, {variant.Fixture}, {variant.Description}: {problem}");
            }

            (equal, refused) = variant.Cause is null ? (equal + 1, refused) : (equal, refused + 1);
        }

        problems.Should().BeEmpty();
        equal.Should().BeGreaterThan(100);
        refused.Should().BeGreaterThan(100);
    }

    private async Task<string?> Problem(Variant variant)
    {
        using var directory = new TemporaryDirectory();
        variant.Write(directory.Path);
        try
        {
            var logits = await AlteredModel.Logits(directory.Path, variant.Options, Prompt);
            return variant.Cause is { } cause ? $"it was loaded, though {cause} is wrong" : await Difference(variant, logits);
        }
        catch (CheckpointException exception)
        {
            return variant.Cause is null ? $"it was refused: {exception.Message}"
                : exception.Message.Contains(variant.Cause, StringComparison.Ordinal) ? null
                : $"the message does not name {variant.Cause}: {exception.Message}";
        }
        catch (Exception exception)
        {
            return $"it ended in {exception}";
        }
    }

    private async Task<string?> Difference(Variant variant, float[] logits)
    {
        if (!_expected.TryGetValue((variant.Fixture, variant.Options), out var expected))
        {
            expected = await AlteredModel.Logits(Fixtures.ModelDirectory(variant.Fixture), variant.Options, Prompt);
            _expected.Add((variant.Fixture, variant.Options), expected);
        }

        // A padded vocabulary has more columns.
        var (columns, wanted) = (logits.Length / Prompt.Length, expected.Length / Prompt.Length);
        var compared = Enumerable.Range(0, Prompt.Length).SelectMany(row => logits[(row * columns)..((row * columns) + wanted)]).ToArray();
        var error = ModelFixture.RelativeError(compared, expected);
        return error < 1e-5 ? null : $"logits differ by {error}";
    }

    /// <summary>What a seed makes of a fixture.</summary>
    private sealed record Variant(string Fixture, string Description, GptOssModelOptions Options, string? Cause, Action<string> Write)
    {
        public static Variant Of(int seed)
        {
            var random = new Random(seed);
            var draft = new CheckpointDraft(FixtureNames[random.Next(3)]);
            var names = new List<string>();
            string? cause = null;
            for (var count = random.Next(1, 4); count > 0; count--)
            {
                Apply(EqualAlterations.All);
            }

            if (random.Next(2) == 0)
            {
                cause = Apply(RefusedAlterations.All);
            }

            var shards = random.Next(3) == 0 ? random.Next(2, 5) : 1;
            return new Variant(
                draft.Fixture,
                string.Join(", ", names) + (shards > 1 ? $", {shards} shards" : string.Empty),
                random.Next(4) == 0 ? AlteredModel.Reference : AlteredModel.Exact,
                cause,
                directory => Save(draft, directory, shards, seed));

            string? Apply(IReadOnlyList<Alteration> all)
            {
                var possible = all.Where(alteration => !names.Contains(alteration.Name) && alteration.AppliesTo(draft)).ToList();
                var chosen = possible[random.Next(possible.Count)];
                names.Add(chosen.Name);
                return chosen.Apply(draft, random);
            }
        }

        private static void Save(CheckpointDraft draft, string directory, int shards, int seed)
        {
            if (shards > 1)
            {
                draft.WriteShards(directory, shards, new Random(seed));
            }
            else
            {
                draft.Write(directory);
            }
        }
    }
}
