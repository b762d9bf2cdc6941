using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>The tokenizer and the tree of its tokens, built once for all tests.</summary>
internal static class Vocabulary
{
    public static HarmonyTokenizer Tokenizer { get; } = HarmonyTokenizer.Create();

    public static TokenTrie Trie { get; } = TokenTrie.Create(Tokenizer);

    public static TokenMaskCache Masks { get; } = new(Trie);
}
