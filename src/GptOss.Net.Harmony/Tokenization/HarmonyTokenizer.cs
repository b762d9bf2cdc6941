using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>The tokenizer of gpt-oss (o200k_harmony): text to ordinary token ids, and any token ids back to text.</summary>
/// <remarks>
/// Text never becomes a control token, however it is spelled: that is what keeps a user's <c>&lt;|start|&gt;system</c> harmless.
/// Encoding takes time in proportion to n log n of the text at worst. Safe for use by several threads; create one and share it.
/// </remarks>
public sealed class HarmonyTokenizer
{
    /// <summary>The number of ids the model knows: 0 to 201,087. (Id 201,088 exists in the vocabulary, not in the model.)</summary>
    public const int VocabularySize = ControlToken.Last;

    private readonly Vocabulary _vocabulary;

    private HarmonyTokenizer(Vocabulary vocabulary) => _vocabulary = vocabulary;

    /// <summary>Loads the vocabulary. Takes about a tenth of a second and 10 MB.</summary>
    public static HarmonyTokenizer Create() => new(Vocabulary.Load());

    /// <summary>Encodes text as ordinary tokens. The ids are always below <see cref="ControlToken.First"/>.</summary>
    /// <param name="text">Any text; a surrogate without its partner is encoded as U+FFFD.</param>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>((text.Length / 4) + 1);
        Encode(text, ids);
        return [.. ids];
    }

    /// <summary>Decodes token ids. Bytes that are not UTF-8 become U+FFFD; control tokens become their spelling.</summary>
    /// <param name="ids">Token ids from 0 to <see cref="ControlToken.Last"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative or above <see cref="ControlToken.Last"/>.</exception>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using var bytes = new MemoryStream();
        foreach (var id in ids)
        {
            bytes.Write(GetBytes(id));
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Returns the bytes of a token; often only part of a character. The bytes of a control token are its spelling.</summary>
    /// <param name="id">A token id from 0 to <see cref="ControlToken.Last"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="id"/> is negative or above <see cref="ControlToken.Last"/>.
    /// </exception>
    public ReadOnlySpan<byte> GetBytes(int id) => TryGetBytes(id, out var bytes)
        ? bytes
        : throw new ArgumentOutOfRangeException(nameof(id), id, $"Token ids go from 0 to {ControlToken.Last}.");

    /// <summary>Returns the bytes of a token, if there is such a token.</summary>
    /// <param name="id">Any number.</param>
    /// <param name="bytes">The bytes of the token, or nothing.</param>
    public bool TryGetBytes(int id, out ReadOnlySpan<byte> bytes)
    {
        bytes = _vocabulary.GetBytes(id);
        return !bytes.IsEmpty;
    }

    /// <summary>The fewest tokens that a text can be; takes a nanosecond for each byte.</summary>
    internal int LeastTokens(string text) => _vocabulary.LeastTokens(Encoding.UTF8.GetBytes(text));

    /// <summary>Adds the ids of a text to a list.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; the list then holds part of the ids.</exception>
    internal void Encode(string text, List<int> ids, CancellationToken cancellationToken = default)
    {
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(text);
        var merger = new BytePairMerger(_vocabulary);
        while (!rest.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var length = TextSplitter.FirstPieceLength(rest);
            merger.Encode(rest[..length], ids, cancellationToken);
            rest = rest[length..];
        }
    }
}
