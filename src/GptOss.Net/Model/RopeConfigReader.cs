namespace GptOss.Net.Model;

/// <summary>Reads the rotary embedding's part of config.json.</summary>
internal static class RopeConfigReader
{
    private const int MaxPositions = 1 << 24;
    private const double MaxTheta = 1e12;
    private const double MaxFactor = 65_536;
    private const double MaxBeta = 65_536;

    public static YarnParameters Read(ConfigSection section)
    {
        var rope = section.Section("rope_parameters") ?? section.Section("rope_scaling")
            ?? throw section.Invalid("rope_parameters", "absent", "an object 'rope_parameters', or 'rope_scaling' and 'rope_theta'");
        var theta = (rope.Has("rope_theta") ? rope : section).Double("rope_theta", 1, MaxTheta, 150_000);
        var type = rope.String(rope.Has("rope_type") ? "rope_type" : "type");
        return type switch
        {
            "default" => new YarnParameters { Theta = theta },
            "yarn" => ReadYarn(rope, theta),
            _ => throw rope.Invalid("rope_type", $"'{type}'", "'yarn' or 'default'"),
        };
    }

    public static YarnParameters ReadOriginal(ConfigSection section) => Check(
        new YarnParameters
        {
            Theta = section.Double("rope_theta", 1, MaxTheta, 150_000),
            Factor = section.Double("rope_scaling_factor", 1, MaxFactor, 1),
            BetaFast = section.Double("rope_ntk_beta", 0, MaxBeta, 32),
            BetaSlow = section.Double("rope_ntk_alpha", 0, MaxBeta, 1),
            OriginalMaxPositions = section.Int32("initial_context_length", 1, MaxPositions),
        },
        section);

    private static YarnParameters ReadYarn(ConfigSection rope, double theta)
    {
        foreach (var name in new[] { "attention_factor", "mscale", "mscale_all_dim" })
        {
            if (rope.Has(name))
            {
                throw rope.Invalid(name, "set", "none: gpt-oss derives it from factor");
            }
        }

        return Check(
            new YarnParameters
            {
                Theta = theta,
                Factor = rope.Double("factor", 1, MaxFactor),
                BetaFast = rope.Double("beta_fast", 0, MaxBeta, 32),
                BetaSlow = rope.Double("beta_slow", 0, MaxBeta, 1),
                OriginalMaxPositions = rope.Int32("original_max_position_embeddings", 1, MaxPositions),

                // transformers rounds where the key is absent.
                Truncate = rope.Boolean("truncate", true),
            },
            rope);
    }

    private static YarnParameters Check(YarnParameters parameters, ConfigSection section) =>
        parameters.BetaFast > parameters.BetaSlow && parameters.BetaSlow > 0
            ? parameters
            : throw section.Invalid(
                "the beta of fast and slow rotations", $"{parameters.BetaFast} and {parameters.BetaSlow}", "fast > slow > 0");
}
