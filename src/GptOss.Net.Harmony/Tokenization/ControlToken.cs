using System.Globalization;

namespace GptOss.Net.Harmony;

/// <summary>The ids of the control tokens that frame harmony messages, and their spelling.</summary>
/// <remarks>
/// Every id from <see cref="First"/> to <see cref="Last"/> is a control token. <see cref="HarmonyTokenizer.Encode(string)"/> never returns
/// one; only <see cref="HarmonyRenderer"/> puts them into a prompt.
/// </remarks>
public static class ControlToken
{
    /// <summary>The lowest control token id.</summary>
    public const int First = StartOfText;

    /// <summary>The highest control token id. It can be decoded, but the model has no embedding for it: never feed it.</summary>
    public const int Last = 201088;

    /// <summary><c>&lt;|startoftext|&gt;</c>. Harmony does not use it.</summary>
    public const int StartOfText = 199998;

    /// <summary><c>&lt;|endoftext|&gt;</c>. Padding, and a reason to stop generating.</summary>
    public const int EndOfText = 199999;

    /// <summary><c>&lt;|return|&gt;</c>. Ends the final message of a turn; stop generating.</summary>
    public const int Return = 200002;

    /// <summary><c>&lt;|constrain|&gt;</c>. Precedes a content type in a header.</summary>
    public const int Constrain = 200003;

    /// <summary><c>&lt;|channel|&gt;</c>. Precedes the channel in a header.</summary>
    public const int Channel = 200005;

    /// <summary><c>&lt;|start|&gt;</c>. Begins a message header.</summary>
    public const int Start = 200006;

    /// <summary><c>&lt;|end|&gt;</c>. Ends a message; the turn may go on.</summary>
    public const int End = 200007;

    /// <summary><c>&lt;|message|&gt;</c>. Ends the header and begins the body.</summary>
    public const int Message = 200008;

    /// <summary><c>&lt;|call|&gt;</c>. Ends a tool call; stop generating and run the tool.</summary>
    public const int Call = 200012;

    // o200k_base has a second name for id 200018.
    private const int EndOfPrompt = 200018;

    /// <summary>Tells whether an id is a control token.</summary>
    /// <param name="id">A token id.</param>
    public static bool IsControl(int id) => id is >= First and <= Last;

    /// <summary>Returns how a control token is spelled, such as <c>&lt;|start|&gt;</c>.</summary>
    /// <param name="id">A control token id.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not a control token.</exception>
    public static string GetSpelling(int id) => id switch
    {
        StartOfText => "<|startoftext|>",
        EndOfText => "<|endoftext|>",
        Return => "<|return|>",
        Constrain => "<|constrain|>",
        Channel => "<|channel|>",
        Start => "<|start|>",
        End => "<|end|>",
        Message => "<|message|>",
        Call => "<|call|>",
        >= First and <= Last => string.Create(CultureInfo.InvariantCulture, $"<|reserved_{id}|>"),
        _ => throw new ArgumentOutOfRangeException(
            nameof(id), id, $"Control tokens have ids from {First} to {Last}."),
    };

    /// <summary>Finds the control token with a given spelling. <c>&lt;|endofprompt|&gt;</c> is a second spelling of 200018.</summary>
    /// <param name="spelling">The text of a token, such as <c>&lt;|start|&gt;</c>.</param>
    /// <param name="id">The id, or -1.</param>
    public static bool TryGetId(string spelling, out int id)
    {
        ArgumentNullException.ThrowIfNull(spelling);
        const string Prefix = "<|reserved_";
        id = spelling switch
        {
            "<|startoftext|>" => StartOfText,
            "<|endoftext|>" => EndOfText,
            "<|return|>" => Return,
            "<|constrain|>" => Constrain,
            "<|channel|>" => Channel,
            "<|start|>" => Start,
            "<|end|>" => End,
            "<|message|>" => Message,
            "<|call|>" => Call,
            "<|endofprompt|>" => EndOfPrompt,
            _ => -1,
        };
        if (id < 0 && spelling.StartsWith(Prefix, StringComparison.Ordinal) && spelling.EndsWith("|>", StringComparison.Ordinal)
            && int.TryParse(spelling.AsSpan()[Prefix.Length..^2], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && IsControl(number) && string.Equals(GetSpelling(number), spelling, StringComparison.Ordinal))
        {
            id = number;
        }

        return id >= 0;
    }
}
