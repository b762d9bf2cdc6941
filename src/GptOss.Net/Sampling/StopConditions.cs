using System.Collections.Frozen;
using GptOss.Net.Harmony;

namespace GptOss.Net.Sampling;

/// <summary>Tells from the tokens alone whether a generation has ended; texts are <see cref="StopSequenceMatcher"/>'s.</summary>
internal sealed class StopConditions(SamplingOptions options)
{
    // A turn ends at <|return|> and <|call|>, never at <|end|>: after that the model goes on with its next message.
    private readonly FrozenSet<int> _stopTokens =
        [.. options.StopTokenIds, ControlToken.Return, ControlToken.Call, ControlToken.EndOfText];

    private readonly int _maxOutputTokens = options.MaxOutputTokens ?? int.MaxValue;

    /// <summary>How many more tokens the output may have.</summary>
    public int TokensLeft(int outputCount) => _maxOutputTokens - outputCount;

    public bool IsStopToken(int token) => _stopTokens.Contains(token);

    /// <summary>Why the generation ends with <paramref name="token"/> as its n-th token; null if it goes on.</summary>
    public FinishReason? Check(int token, int outputCount)
    {
        if (IsStopToken(token))
        {
            return FinishReason.Stop;
        }

        return outputCount >= _maxOutputTokens ? FinishReason.Length : null;
    }
}
