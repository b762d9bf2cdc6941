namespace GptOss.Net.Sampling;

/// <summary>Tells when the last tokens of a text are one passage again and again.</summary>
/// <param name="limit">How many times in succession are too many; <see langword="null"/>: never.</param>
internal sealed class RepetitionMatcher(int? limit)
{
    /// <summary>The longest passage, in tokens.</summary>
    public const int MaxPassage = 200;

    private readonly List<int> _tokens = [];

    // [passage length - 1], how many of the last tokens equal the one so far before them.
    private readonly int[] _matches = new int[limit is null ? 0 : MaxPassage];

    /// <summary>Begins another text.</summary>
    public void Begin()
    {
        _tokens.Clear();
        Array.Clear(_matches);
    }

    /// <summary>Takes the next token; returns whether the text repeats itself too often with it.</summary>
    public bool Append(int token)
    {
        var isTooMuch = false;
        for (var length = 1; length <= Math.Min(_matches.Length, _tokens.Count); length++)
        {
            ref var matches = ref _matches[length - 1];
            matches = _tokens[^length] == token ? matches + 1 : 0;
            isTooMuch |= matches >= (long)length * (limit!.Value - 1);
        }

        _tokens.Add(token);
        return isTooMuch;
    }
}
