using GptOss.Net.Chat;
using GptOss.Net.Harmony;

namespace GptOss.Net.Tests.Chat;

/// <summary>Writes turns at random, in so far as a constraint lets it.</summary>
internal static class ConstrainedWriter
{
    private const int MaxProbes = 50;

    // Often tried first, so that messages come to an end.
    private static readonly int[] Favored =
        [ControlToken.Return, ControlToken.Call, ControlToken.End, ControlToken.Message, .. "\"}],:0".Select(
            c => HarmonyScript.Encode($"{c}").Single())];

    /// <summary>A random turn: the tokens up to and including the one that ends it, or the most allowed.</summary>
    public static List<int> Write(HarmonyConstraint constraint, Random random, int maxTokens = 400)
    {
        var logits = new float[HarmonyTokenizer.VocabularySize];
        var turn = new List<int>();
        while (turn.Count < maxTokens && turn is not [.., ControlToken.Return or ControlToken.Call])
        {
            Array.Clear(logits);
            constraint.Allowed.Apply(logits);
            var token = Choose(logits, random);
            constraint.Accept(token);
            turn.Add(token);
        }

        return turn;
    }

    /// <summary>The tokens that a constraint allows now.</summary>
    public static int[] AllowedTokens(this HarmonyConstraint constraint)
    {
        var logits = new float[HarmonyTokenizer.VocabularySize];
        constraint.Allowed.Apply(logits);
        return [.. Enumerable.Range(0, logits.Length).Where(token => logits[token] == 0)];
    }

    /// <summary>Takes tokens of which each must be allowed.</summary>
    public static void Write(this HarmonyConstraint constraint, string text)
    {
        var logits = new float[HarmonyTokenizer.VocabularySize];
        foreach (var token in HarmonyScript.Encode(text))
        {
            Array.Clear(logits);
            constraint.Allowed.Apply(logits);
            logits[token].Should().Be(0, $"'{HarmonyScript.Decode([token])}' is legal here in '{text}'");
            constraint.Accept(token);
        }
    }

    public static HarmonyConstraint Constraint(this TurnGrammar grammar) =>
        new(grammar, ScriptedModel.Masks.Value, ScriptedModel.Tokenizer);

    private static int Choose(float[] logits, Random random)
    {
        if (random.NextDouble() < 0.4 && Favored[random.Next(Favored.Length)] is var favored && logits[favored] == 0)
        {
            return favored;
        }

        for (var i = 0; i < MaxProbes; i++)
        {
            var token = random.Next(logits.Length);
            if (logits[token] == 0)
            {
                return token;
            }
        }

        var allowed = Enumerable.Range(0, logits.Length).Where(token => logits[token] == 0).ToArray();
        allowed.Should().NotBeEmpty("no state is a dead end");
        return allowed[random.Next(allowed.Length)];
    }
}
