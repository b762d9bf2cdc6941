using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Engine;

/// <summary>A constraint with a defect.</summary>
internal sealed class FailingConstraint : ITokenConstraint
{
    public TokenBitset Allowed => throw new InvalidOperationException("No such state.");

    public void Accept(int token)
    {
    }
}
