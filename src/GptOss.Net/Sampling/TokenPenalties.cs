using System.Runtime.InteropServices;
using GptOss.Net.Harmony;

namespace GptOss.Net.Sampling;

/// <summary>Repetition, frequency and presence penalties of one sequence, and the counts they need.</summary>
/// <remarks>Control tokens and message headers are neither counted nor penalised: penalties there would break the framing.</remarks>
internal sealed class TokenPenalties
{
    private readonly float _repetition;
    private readonly float _presence;
    private readonly float _frequency;

    // How often each token is in the output; 0 for those in the prompt only, which repetition alone regards.
    private readonly Dictionary<int, int> _outputCounts = [];

    private bool _inHeader;

    public TokenPenalties(SamplingOptions options, ReadOnlySpan<int> prompt)
    {
        _repetition = (float)options.RepetitionPenalty;
        _presence = (float)options.PresencePenalty;
        _frequency = (float)options.FrequencyPenalty;
        foreach (var token in prompt)
        {
            Count(token, 0);
        }
    }

    /// <summary>
    /// Gets how often each penalised token is in the output; 0 for those in the prompt only. <see langword="null"/> in a message's
    /// header, where nothing is penalised.
    /// </summary>
    public Dictionary<int, int>? Counts => _inHeader ? null : _outputCounts;

    public static bool AreWanted(SamplingOptions options) =>
        options is not { RepetitionPenalty: 1, PresencePenalty: 0, FrequencyPenalty: 0 };

    public void Accept(int token) => Count(token, 1);

    public void Apply(Span<float> logits)
    {
        if (_inHeader)
        {
            return;
        }

        foreach (var (token, count) in _outputCounts)
        {
            ref var logit = ref logits[token];
            logit = logit > 0 ? logit / _repetition : logit * _repetition;
            if (count > 0)
            {
                logit -= (count * _frequency) + _presence;
            }
        }
    }

    private void Count(int token, int times)
    {
        if (token >= ControlToken.First)
        {
            _inHeader = token switch
            {
                ControlToken.Start or ControlToken.Channel or ControlToken.Constrain => true,
                _ => false,
            };
        }
        else if (!_inHeader && (times > 0 || _repetition is not 1))
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_outputCounts, token, out _) += times;
        }
    }
}
