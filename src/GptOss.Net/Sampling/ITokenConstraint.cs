namespace GptOss.Net.Sampling;

/// <summary>Restricts which token may come next; one instance per sequence.</summary>
internal interface ITokenConstraint
{
    /// <summary>
    /// Gets the tokens that may come next; <see langword="null"/> when all may. It may take time to find; asking again is cheap, and
    /// gives the same object for as long as it applies.
    /// </summary>
    TokenBitset? Allowed { get; }

    /// <summary>Gets for how many more tokens <see cref="Allowed"/> stays what it is, as long as none of them is a control token.</summary>
    int TokensAhead => 0;

    /// <summary>Moves on to the state after <paramref name="token"/>.</summary>
    void Accept(int token);
}
