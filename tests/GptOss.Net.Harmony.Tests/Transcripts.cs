using CsCheck;

namespace GptOss.Net.Harmony.Tests;

/// <summary>Random completions as the model writes them, without the <c>&lt;|start|&gt;assistant</c> of the prompt.</summary>
internal static class Transcripts
{
    /// <summary>Well-formed completions.</summary>
    public static Gen<int[]> Any { get; } =
        from middles in Gen.OneOf(Message("analysis", ControlToken.End), Message("commentary", ControlToken.End)).Array[0, 3]
        from last in Gen.OneOf(
            Message("final", ControlToken.Return),
            Message("commentary to=functions.f <|constrain|>json", ControlToken.Call),
            Message("analysis to=browser.search code", ControlToken.Call))
        select Join([.. middles, last]);

    /// <summary>How many transcripts <see cref="Fixed"/> has.</summary>
    public const int FixedCount = 500;

    /// <summary>Completions that are the same in every run.</summary>
    public static IEnumerable<int[]> Fixed => Enumerable.Range(0, FixedCount).Select(i => Any.Generate(new PCG(1, (ulong)i), null, out _));

    /// <summary>The tokens that frame messages, some of which do not belong into completions.</summary>
    public static IReadOnlyList<int> Framing { get; } =
    [
        ControlToken.StartOfText, ControlToken.EndOfText, 200000, 200001, ControlToken.Return, ControlToken.Constrain, 200004,
        ControlToken.Channel, ControlToken.Start, ControlToken.End, ControlToken.Message, 200011, ControlToken.Call,
    ];

    /// <summary>Encodes text whose control token spellings become control tokens; for tests alone.</summary>
    public static int[] Encode(string text)
    {
        var ids = new List<int>();
        while (text.Length > 0)
        {
            var start = text.IndexOf("<|", StringComparison.Ordinal);
            var end = start < 0 ? -1 : text.IndexOf("|>", start, StringComparison.Ordinal) + 2;
            ids.AddRange(Shared.Tokenizer.Encode(start < 0 ? text : text[..start]));
            if (start >= 0 && ControlToken.TryGetId(text[start..end], out var id))
            {
                ids.Add(id);
            }

            text = start < 0 ? string.Empty : text[end..];
        }

        return [.. ids];
    }

    private static Gen<int[]> Message(string header, int ending) =>
        Texts.Any.Select(text => (int[])[.. Encode($"<|channel|>{header}<|message|>"), .. Shared.Tokenizer.Encode(text), ending]);

    private static int[] Join(int[][] messages) =>
        [.. messages[0], .. messages.Skip(1).SelectMany(ids => Encode("<|start|>assistant").Concat(ids))];
}
