using System.Threading.Channels;

namespace GptOss.Net.Engine;

/// <summary>What a caller reads: the tokens of all answers to its prompt, as they come.</summary>
internal sealed class GenerationStream(int answerCount)
{
    private readonly Channel<GeneratedToken> _tokens = Channel.CreateUnbounded<GeneratedToken>(new() { SingleReader = true });
    private int _unfinished = answerCount;
    private volatile bool _isAbandoned;
    private int _unread;

    public ChannelReader<GeneratedToken> Tokens => _tokens.Reader;

    /// <summary>Gets a value indicating whether nobody reads any more.</summary>
    public bool IsAbandoned => _isAbandoned;

    /// <summary>Gets how many tokens wait for the reader.</summary>
    public int UnreadCount => Volatile.Read(ref _unread);

    /// <summary>The reader has taken a token.</summary>
    public void Read() => Interlocked.Decrement(ref _unread);

    /// <summary>Ends all answers because their reader is gone; from any thread.</summary>
    public void Abandon() => _isAbandoned = true;

    public void Write(GeneratedToken token)
    {
        Interlocked.Increment(ref _unread);
        _tokens.Writer.TryWrite(token);
        if (token.FinishReason is not null && Interlocked.Decrement(ref _unfinished) == 0)
        {
            _tokens.Writer.TryComplete();
        }
    }

    /// <summary>One answer's failure ends them all.</summary>
    public void Fail(Exception exception)
    {
        _tokens.Writer.TryComplete(exception);
        Abandon();
    }
}
