using System.Globalization;
using DemoModelTrainer.Corpus;
using GptOss.Net.Harmony;

namespace DemoModelTrainer.Encoding;

/// <summary>The tokens that get a row of their own. Compact id 0 stands for all others.</summary>
internal sealed class CompactVocabulary
{
    /// <summary>Rows of the real model's embedding.</summary>
    public const int FullSize = 201_088;

    private const int DrawnConversations = 40_000;
    private readonly Dictionary<int, int> _compactIds;

    private CompactVocabulary(IEnumerable<int> tokenIds)
    {
        TokenIds = [-1, .. tokenIds.Distinct().Order()];
        _compactIds = TokenIds.Select((id, index) => (id, index)).Skip(1).ToDictionary(pair => pair.id, pair => pair.index);
    }

    /// <summary>Gets the real id of every compact id; -1 for the shared row.</summary>
    public IReadOnlyList<int> TokenIds { get; }

    /// <summary>Gets how many of the real tokens use the shared row.</summary>
    public int SharedCount => FullSize - TokenIds.Count + 1;

    /// <summary>Takes what the dialogues use, printable ASCII and the numbers 0 to 999, but not the unknown words.</summary>
    public static CompactVocabulary Build(DialogueCorpus corpus, HarmonyTokenizer tokenizer, Random random)
    {
        var encoder = new ExampleEncoder(tokenizer);
        var sampler = new ConversationSampler(corpus.WithoutUnknownWords(), SampleOptions.Training, random);
        var drawn = Enumerable.Range(0, DrawnConversations).SelectMany(_ => encoder.Encode(sampler.Draw()).Tokens);
        var characters = Enumerable.Range(' ', '~' - ' ' + 1).Select(code => ((char)code).ToString());
        var numbers = Enumerable.Range(0, 1000).Select(number => number.ToString(CultureInfo.InvariantCulture));
        var values = corpus.Tables.Where(table => table.Key is not DialogueCorpus.UnknownTable)
            .SelectMany(table => table.Value.Rows)
            .SelectMany(row => row)
            .SelectMany(value => new[] { value, " " + value });
        var texts = characters.Concat(numbers).Concat(values);
        return new CompactVocabulary(drawn.Concat(texts.SelectMany(tokenizer.Encode)));
    }

    public int ToCompact(int tokenId) => _compactIds.GetValueOrDefault(tokenId);
}
