using System.Diagnostics;

namespace GptOss.Net.Harmony;

/// <summary>Collects the parts of a prompt and encodes them in the end. Control tokens get in by <see cref="Control"/> alone.</summary>
internal sealed class TokenWriter(HarmonyTokenizer tokenizer)
{
    private readonly List<Part> _parts = [];

    /// <summary>Gets the fewest tokens that the parts can be: found without encoding them.</summary>
    public int LeastCount
    {
        get
        {
            long count = 0;
            foreach (var part in _parts)
            {
                count += part.Text is { } text ? tokenizer.LeastTokens(text) : part.Ids.Count;
            }

            return (int)Math.Min(count, int.MaxValue);
        }
    }

    /// <summary>Adds a control token.</summary>
    public void Control(int id) => _parts.Add(new Part([id], IsControl: true));

    /// <summary>Adds ordinary text. Texts added one after the other are encoded apart.</summary>
    public void Text(string text) => _parts.Add(new Part([]) { Text = text });

    /// <summary>Adds tokens that are not control tokens.</summary>
    public void Ordinary(IReadOnlyList<int> ids) => _parts.Add(new Part(ids));

    /// <summary>Replaces the control token at the end.</summary>
    public void ReplaceLast(int id) => _parts[^1] = new Part([id], IsControl: true);

    /// <summary>The ids of all parts.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; looked at every few thousand tokens.</exception>
    public int[] ToArray(CancellationToken cancellationToken = default)
    {
        var ids = new List<int>();
        foreach (var part in _parts)
        {
            if (part.Text is { } text)
            {
                tokenizer.Encode(text, ids, cancellationToken);
            }
            else
            {
                ids.AddRange(part.Ids);
            }
        }

        Debug.Assert(ids.Count(ControlToken.IsControl) == _parts.Count(part => part.IsControl), "Text became a control token.");
        return [.. ids];
    }

    private readonly record struct Part(IReadOnlyList<int> Ids, bool IsControl = false)
    {
        public string? Text { get; init; }
    }
}
