using GptOss.Net.Execution;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Generates one answer: takes each sampled token and streams it to its reader.</summary>
internal sealed class GenerationRequest : EngineRequest
{
    private readonly GenerationStream _stream;
    private readonly SamplingState _state;
    private readonly StopConditions _stop;
    private readonly OutputText _text;
    private readonly int _maxLength;
    private FinishReason? _finish;
    private TokenBitset? _aheadMask;

    /// <param name="sequence">The prompt.</param>
    /// <param name="stream">Where the tokens go.</param>
    /// <param name="state">What this sequence keeps for sampling.</param>
    /// <param name="text">Turns tokens into visible text.</param>
    /// <param name="maxLength">The most tokens, prompt and output together.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    public GenerationRequest(
        Sequence sequence, GenerationStream stream, SamplingState state, OutputText text, int maxLength,
        CancellationToken cancellationToken)
        : base(sequence, cancellationToken)
    {
        (_stream, _state, _text, _maxLength) = (stream, state, text, maxLength);
        _stop = new StopConditions(state.Options);
    }

    /// <summary>Gets which of the answers to its prompt it is, from 0.</summary>
    public int AnswerIndex { get; init; }

    /// <summary>Gets how many tokens of the stream may wait for their reader.</summary>
    public int MaxUnreadTokens { get; init; } = int.MaxValue;

    public override bool IsCancelled => _stream.IsAbandoned || base.IsCancelled;

    public override FinishReason? FinishReason => _finish;

    public override bool IsAheadValid => ReferenceEquals(_state.Next().Mask, _aheadMask);

    public override RowSampling Next(int ahead)
    {
        var row = _state.Next(ahead);
        _aheadMask = row.Mask;
        return row;
    }

    public override bool CanRunAhead(int unreadTokens) =>
        unreadTokens <= _state.TokensAhead
            && unreadTokens < Math.Min(_maxLength - Sequence.Tokens.Count, _stop.TokensLeft(_state.OutputCount));

    public override bool Accept(StepResult result, int firstRow, int rowCount)
    {
        var sampled = result.Tokens.Span[firstRow];
        if (sampled.Failure is { } failure)
        {
            throw failure;
        }

        _state.Accept(sampled.Id);
        Sequence.Append(sampled.Id);

        var (text, stopped) = _text.Append(sampled.Id);
        _finish = stopped ? Net.FinishReason.Stop : _stop.Check(sampled.Id, _state.OutputCount);
        if (_finish is null && Sequence.Tokens.Count >= _maxLength)
        {
            _finish = Net.FinishReason.Length;
        }

        if (_finish is not null && !stopped)
        {
            text += _text.Flush();
        }

        _stream.Write(new GeneratedToken(sampled.Id, text)
        {
            LogProbability = sampled.LogProbability,
            TopLogProbabilities = sampled.TopLogProbabilities,
            FinishReason = _finish,
            AnswerIndex = AnswerIndex,
            CachedPromptTokens = Sequence.CachedTokens ?? 0,
        });
        if (_finish is null && _stream.UnreadCount > MaxUnreadTokens)
        {
            throw new UnreadTokensException(MaxUnreadTokens);
        }

        return _finish is not null;
    }

    public override void Fail(Exception exception) => _stream.Fail(exception);
}
