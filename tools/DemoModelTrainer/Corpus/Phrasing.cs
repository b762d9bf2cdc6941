namespace DemoModelTrainer.Corpus;

/// <summary>Small variations of what users type: case, missing punctuation, politeness, a stray word.</summary>
internal static class Phrasing
{
    private static readonly string[] Openings =
        ["Please: ", "Hello! ", "Hi, ", "Hey, ", "Okay. ", "So, ", "Now: ", "Question: ", "Tell me: ", "Well, ", "And ", "Oh, "];

    private static readonly string[] Endings = [" Please.", " please", " Thanks!", " Thank you.", " :)", "!", " ", "\n", "??"];

    /// <summary>Varies <paramref name="text"/>; <paramref name="strayWords"/> may be put before or after it.</summary>
    public static string Vary(string text, IReadOnlyList<string> strayWords, Random random)
    {
        if (text.Length < 8)
        {
            return text;
        }

        if (random.NextDouble() < 0.12)
        {
            text = text.TrimEnd('?', '.', '!');
        }

        text = random.NextDouble() switch
        {
            < 0.08 => Openings[random.Next(Openings.Length)] + text,
            < 0.14 => text + Endings[random.Next(Endings.Length)],
            < 0.18 => strayWords[random.Next(strayWords.Count)] + ", " + LowerFirst(text),
            < 0.20 => text + " " + strayWords[random.Next(strayWords.Count)],
            < 0.30 => LowerFirst(text),
            _ => text,
        };
        return text;
    }

    private static string LowerFirst(string text) =>
        text.StartsWith("I ", StringComparison.Ordinal) || text.StartsWith("I'", StringComparison.Ordinal)
            ? text
            : char.ToLowerInvariant(text[0]) + text[1..];
}
