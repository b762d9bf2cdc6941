using System.Threading.Channels;
using GptOss.Net.Execution;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Generates: samples a token from each row of logits and streams it to its reader.</summary>
internal sealed class GenerationRequest : EngineRequest
{
    private readonly Sampler _sampler;
    private readonly SequenceSampler _state;
    private readonly StopConditions _stop;
    private readonly OutputText _text;
    private readonly int _maxLength;
    private readonly Channel<GeneratedToken> _tokens =
        Channel.CreateUnbounded<GeneratedToken>(new() { SingleReader = true, SingleWriter = true });

    private volatile bool _isAbandoned;

    /// <param name="sequence">The prompt.</param>
    /// <param name="sampler">The engine's sampler, used on its thread.</param>
    /// <param name="state">What this sequence keeps for sampling.</param>
    /// <param name="text">Turns tokens into visible text.</param>
    /// <param name="maxLength">The most tokens, prompt and output together.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    public GenerationRequest(
        Sequence sequence, Sampler sampler, SequenceSampler state, OutputText text, int maxLength, CancellationToken cancellationToken)
        : base(sequence, cancellationToken)
    {
        (_sampler, _state, _text, _maxLength) = (sampler, state, text, maxLength);
        _stop = new StopConditions(state.Options);
    }

    public ChannelReader<GeneratedToken> Tokens => _tokens.Reader;

    public override bool IsCancelled => _isAbandoned || base.IsCancelled;

    /// <summary>Ends the generation because its reader is gone; from any thread.</summary>
    public void Abandon() => _isAbandoned = true;

    public override bool Accept(StepResult result, int firstRow, int rowCount)
    {
        var sampled = _sampler.Sample(result.Row(firstRow), _state);
        Sequence.Append(sampled.Id);

        var (text, stopped) = _text.Append(sampled.Id);
        FinishReason? finish = stopped ? FinishReason.Stop : _stop.Check(sampled.Id, _state.OutputCount);
        if (finish is null && Sequence.Tokens.Count >= _maxLength)
        {
            finish = FinishReason.Length;
        }

        if (finish is not null && !stopped)
        {
            text += _text.Flush();
        }

        _tokens.Writer.TryWrite(new GeneratedToken(sampled.Id, text)
        {
            LogProbability = sampled.LogProbability,
            TopLogProbabilities = sampled.TopLogProbabilities,
            FinishReason = finish,
        });
        return finish is not null && _tokens.Writer.TryComplete();
    }

    public override void Fail(Exception exception) => _tokens.Writer.TryComplete(exception);
}
