namespace GptOss.Net.Sampling;

/// <summary>Restricts which token may come next; one instance per sequence.</summary>
internal interface ITokenConstraint
{
    /// <summary>Does ahead what <see cref="Apply"/> will need, while the model computes the logits.</summary>
    void Prepare()
    {
    }

    /// <summary>Sets the logits of forbidden tokens to negative infinity and leaves the others alone.</summary>
    void Apply(Span<float> logits);

    /// <summary>Moves on to the state after <paramref name="token"/>.</summary>
    void Accept(int token);
}
