using System.Text.RegularExpressions;
using GptOss.Net.Harmony;

namespace GptOss.Net.Tests.Chat;

/// <summary>Harmony as it is written in examples, to tokens and back.</summary>
internal static partial class HarmonyScript
{
    /// <summary>Encodes text in which the spellings of control tokens are control tokens.</summary>
    public static int[] Encode(string text) =>
    [
        .. Spelling().Split(text).SelectMany(part =>
            ControlToken.TryGetId(part, out var id) ? [id] : ScriptedModel.Tokenizer.Encode(part)),
    ];

    public static string Decode(IEnumerable<int> ids) => ScriptedModel.Tokenizer.Decode(ids);

    [GeneratedRegex(@"(<\|[a-z]+\|>)")]
    private static partial Regex Spelling();
}
