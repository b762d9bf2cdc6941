using System.Collections.Frozen;
using GptOss.Net.Harmony;
using GptOss.Net.Sampling;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Chat;

/// <summary>The masks that hold in every turn: one control token alone, or any text up to the one that ends it.</summary>
internal static class FramingMasks
{
    private static readonly FrozenDictionary<int, TokenBitset> Single =
        new[] { ControlToken.Start, ControlToken.End, ControlToken.Return, ControlToken.Call }.ToFrozenDictionary(
            token => token, token => new TokenBitset(new ulong[TokenTrie.WordCount]).With(token));

    private static readonly FrozenDictionary<int, TokenBitset> Text =
        new[] { ControlToken.End, ControlToken.Return, ControlToken.Call }.ToFrozenDictionary(
            token => token,
            token => new TokenBitset(new ulong[TokenTrie.WordCount]).With([.. Enumerable.Range(0, ControlToken.First), token]));

    /// <summary>Nothing but this token.</summary>
    public static TokenBitset Only(int token) => Single[token];

    /// <summary>Every ordinary token, and the one that ends the text.</summary>
    public static TokenBitset FreeText(int terminator) => Text[terminator];
}
