namespace GptOss.Net.Execution.Cpu;

/// <summary>Which token goes to which expert, and the same sorted by expert: slots, an expert's slots in the order of tokens.</summary>
internal sealed class ExpertRouting(int expertCount, int expertsPerToken, int tokenCapacity)
{
    private readonly int[] _experts = new int[tokenCapacity * expertsPerToken];
    private readonly float[] _weights = new float[tokenCapacity * expertsPerToken];
    private readonly int[] _starts = new int[expertCount + 1];
    private readonly int[] _next = new int[expertCount];
    private readonly int[] _slotTokens = new int[tokenCapacity * expertsPerToken];
    private readonly float[] _slotWeights = new float[tokenCapacity * expertsPerToken];

    public int ExpertCount => expertCount;

    /// <summary>A token's experts, to be filled in.</summary>
    public Span<int> Experts(int token) => _experts.AsSpan(token * expertsPerToken, expertsPerToken);

    /// <summary>The weights of a token's experts, to be filled in.</summary>
    public Span<float> Weights(int token) => _weights.AsSpan(token * expertsPerToken, expertsPerToken);

    /// <summary>The first slot of an expert; that of the expert after the last is the number of slots.</summary>
    public int Start(int expert) => _starts[expert];

    public int Token(int slot) => _slotTokens[slot];

    public float Weight(int slot) => _slotWeights[slot];

    /// <summary>Sorts the choices of the first tokens by expert.</summary>
    public void Sort(int tokenCount)
    {
        var choices = tokenCount * expertsPerToken;
        Array.Clear(_starts);
        for (var i = 0; i < choices; i++)
        {
            _starts[_experts[i] + 1]++;
        }

        for (var expert = 0; expert < expertCount; expert++)
        {
            _starts[expert + 1] += _starts[expert];
            _next[expert] = _starts[expert];
        }

        for (var i = 0; i < choices; i++)
        {
            var slot = _next[_experts[i]]++;
            (_slotTokens[slot], _slotWeights[slot]) = (i / expertsPerToken, _weights[i]);
        }
    }
}
