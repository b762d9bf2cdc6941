using System.Diagnostics;

namespace GptOss.Net.Harmony;

/// <summary>Collects the ids of a prompt. Control tokens get in by <see cref="Control"/> alone.</summary>
internal sealed class TokenWriter(HarmonyTokenizer tokenizer)
{
    private readonly List<int> _ids = [];
    private int _controlCount;

    /// <summary>Adds a control token.</summary>
    public void Control(int id)
    {
        _ids.Add(id);
        _controlCount++;
    }

    /// <summary>Adds ordinary text. Texts added one after the other are encoded apart.</summary>
    public void Text(string text) => tokenizer.Encode(text, _ids);

    /// <summary>Adds tokens that are not control tokens.</summary>
    public void Ordinary(IReadOnlyList<int> ids) => _ids.AddRange(ids);

    /// <summary>Replaces the control token at the end.</summary>
    public void ReplaceLast(int id) => _ids[^1] = id;

    /// <summary>The ids so far.</summary>
    public int[] ToArray()
    {
        Debug.Assert(_ids.Count(ControlToken.IsControl) == _controlCount, "Text became a control token.");
        return [.. _ids];
    }
}
