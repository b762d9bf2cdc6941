namespace GptOss.Net.Model;

/// <summary>
/// Reads the rotary embedding's part of config.json: <c>rope_parameters</c> (transformers 5), <c>rope_scaling</c> and
/// <c>rope_theta</c> (transformers 4), or fields of their own (the <c>original</c> layout). Where there are several, all must agree.
/// </summary>
internal static class RopeConfigReader
{
    private const int MaxPositions = 1 << 24;
    private const double MaxTheta = 1e12;
    private const double MaxFactor = 65_536;
    private const double MaxBeta = 65_536;
    private const double DefaultTheta = 150_000;

    public static YarnParameters Read(ConfigSection section)
    {
        var spellings = new List<(string Name, YarnParameters Parameters)>();
        foreach (var name in new[] { "rope_parameters", "rope_scaling" })
        {
            if (section.Section(name) is { } rope)
            {
                spellings.Add((name, ReadSection(rope, section)));
            }
        }

        if (section.Has("rope_scaling_factor"))
        {
            spellings.Add(("rope_scaling_factor", ReadFields(section)));
        }

        if (spellings.Count == 0)
        {
            throw section.Invalid("rope_parameters", "absent", "an object 'rope_parameters', or 'rope_scaling' and 'rope_theta'");
        }

        var (first, parameters) = spellings[0];
        foreach (var (name, others) in spellings)
        {
            if (others != parameters)
            {
                throw section.Invalid(name, $"{others}, but {first} says {parameters}", "the same in both, or only one of them");
            }
        }

        return parameters;
    }

    /// <summary>The names of OpenAI's own code.</summary>
    private static YarnParameters ReadFields(ConfigSection section) => Check(
        new YarnParameters
        {
            Theta = section.Double("rope_theta", 1, MaxTheta, DefaultTheta),
            Factor = section.Double("rope_scaling_factor", 1, MaxFactor),
            BetaFast = section.Double("rope_ntk_beta", 0, MaxBeta, 32),
            BetaSlow = section.Double("rope_ntk_alpha", 0, MaxBeta, 1),
            OriginalMaxPositions = section.Int32("initial_context_length", 1, MaxPositions),
        },
        section);

    private static YarnParameters ReadSection(ConfigSection rope, ConfigSection section)
    {
        rope.ExpectValue("partial_rotary_factor", 1.0);
        var type = rope.String(rope.Spelling("rope_type", "type"));
        var parameters = type switch
        {
            "default" => new YarnParameters { Theta = ReadTheta(rope, section) },
            "yarn" => ReadYarn(rope, section),
            _ => throw rope.Invalid("rope_type", $"'{type}'", "'yarn' or 'default'"),
        };
        return rope.Unread() is [var unknown, ..]
            ? throw section.Invalid(unknown, "set", $"no such key: rope_type '{type}' has no meaning for it here")
            : parameters;
    }

    private static double ReadTheta(ConfigSection rope, ConfigSection section)
    {
        var outer = section.Double("rope_theta", 1, MaxTheta, DefaultTheta);
        var theta = rope.Double("rope_theta", 1, MaxTheta, outer);
        return theta == outer || !section.Has("rope_theta")
            ? theta
            : throw rope.Invalid("rope_theta", $"{theta}, but beside it rope_theta is {outer}", "the same in both, or only one of them");
    }

    private static YarnParameters ReadYarn(ConfigSection rope, ConfigSection section)
    {
        foreach (var name in new[] { "attention_factor", "mscale", "mscale_all_dim" })
        {
            rope.ExpectValue(name, value: null);
        }

        var factor = rope.Double("factor", 1, MaxFactor);
        var positions = rope.Int32("original_max_position_embeddings", 1, MaxPositions);
        section.ExpectValue("initial_context_length", (double)positions);
        return Check(
            new YarnParameters
            {
                Theta = ReadTheta(rope, section),
                Factor = factor,
                BetaFast = rope.Double("beta_fast", 0, MaxBeta, 32),
                BetaSlow = rope.Double("beta_slow", 0, MaxBeta, 1),
                OriginalMaxPositions = positions,

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
