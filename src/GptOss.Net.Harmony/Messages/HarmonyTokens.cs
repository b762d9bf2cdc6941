namespace GptOss.Net.Harmony;

/// <summary>Text as the tokens that the model wrote, which may differ from those that its text is encoded as.</summary>
internal sealed class HarmonyTokens : HarmonyContent
{
    /// <param name="ids">Ordinary tokens.</param>
    /// <exception cref="ArgumentException">One of them is a control token, or none at all.</exception>
    public HarmonyTokens(IReadOnlyList<int> ids)
    {
        foreach (var id in ids.Where(id => id is < 0 or >= ControlToken.First))
        {
            throw new ArgumentException($"Token {id} is not an ordinary token.", nameof(ids));
        }

        Ids = ids;
    }

    public IReadOnlyList<int> Ids { get; }
}
