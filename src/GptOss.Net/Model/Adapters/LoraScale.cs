using System.Text.RegularExpressions;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// What the product of a module's two matrices is multiplied by: <c>lora_alpha / r</c>, or <c>/ √r</c> with rank stabilization. A module
/// has the rank and the alpha of the first pattern that its name ends with, otherwise those of the adapter, as in PEFT
/// (<c>get_pattern_key</c>).
/// </summary>
internal sealed class LoraScale
{
    private const int MaxRank = 1 << 16;
    private const double MaxAlpha = 1e9;

    private readonly int _rank;
    private readonly double _alpha;
    private readonly bool _isRankStabilized;
    private readonly List<(Regex Pattern, int Rank)> _ranks;
    private readonly List<(Regex Pattern, double Alpha)> _alphas;

    public LoraScale(ConfigSection config)
    {
        _rank = config.Int32("r", 1, MaxRank);
        _alpha = config.Double("lora_alpha", -MaxAlpha, MaxAlpha);
        _isRankStabilized = config.Boolean("use_rslora", absent: false);
        _ranks = Patterns(config, "rank_pattern", (section, key) => section.Int32(key, 1, MaxRank));
        _alphas = Patterns(config, "alpha_pattern", (section, key) => section.Double(key, -MaxAlpha, MaxAlpha));
    }

    /// <summary>The scale of a pair of matrices.</summary>
    /// <param name="pair">The pair.</param>
    /// <param name="name">The module's name in the model; of experts, with the matrix: <c>model.layers.0.mlp.experts.down_proj</c>.</param>
    /// <param name="experts">For how many experts the pair is.</param>
    /// <exception cref="CheckpointException">The pair has another rank than the config gives it.</exception>
    public double Of(LoraPair pair, string name, int experts)
    {
        var rank = First(_ranks, name, _rank);
        if (pair.Width != (long)rank * experts)
        {
            throw new CheckpointException(
                $"has matrices of rank {pair.Width / (double)experts:0.##}, but adapter_config.json (r, rank_pattern) says {rank}.",
                pair.A.Source.Path,
                pair.Module);
        }

        return First(_alphas, name, _alpha) / (_isRankStabilized ? Math.Sqrt(rank) : rank);
    }

    private static T First<T>(List<(Regex Pattern, T Value)> patterns, string name, T otherwise)
    {
        foreach (var (pattern, value) in patterns)
        {
            if (pattern.IsMatch(name))
            {
                return value;
            }
        }

        return otherwise;
    }

    // Whatever the patterns are, they match in time that grows with the name's length only.
    private static List<(Regex Pattern, T Value)> Patterns<T>(ConfigSection config, string name, Func<ConfigSection, string, T> read)
    {
        var patterns = new List<(Regex Pattern, T Value)>();
        if (config.Section(name) is { } section)
        {
            foreach (var key in section.Names())
            {
                try
                {
                    var pattern = new Regex($@"\A(?:.*\.)?(?:{key})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
                    patterns.Add((pattern, read(section, key)));
                }
                catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
                {
                    throw config.Invalid(
                        name, $"for '{key}'", "names of modules, or regular expressions without look-around and back-references");
                }
            }
        }

        return patterns;
    }
}
