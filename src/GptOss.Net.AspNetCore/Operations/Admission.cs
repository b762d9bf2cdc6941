using System.Globalization;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>Bounds how many answers are computed or wait at the same time, in all and for each caller.</summary>
/// <param name="options">The bounds.</param>
/// <param name="running">How many answers the model computes at once, where that is known.</param>
internal sealed class Admission(OpenAIServerOptions options, Func<int?> running)
{
    // Of answers that wait, where the options do not say.
    private const int LeastWaiting = 64;

    private static readonly TimeSpan LeastRetry = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, int> _byCaller = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _answers;

    /// <summary>Gets how many answers are computed or wait now.</summary>
    public int Answers => Volatile.Read(ref _answers);

    /// <summary>Takes the place of some answers until the result is disposed, or refuses the request.</summary>
    public IDisposable Enter(string caller, int answers)
    {
        var most = options.MaxConcurrentAnswers ?? Default();
        lock (_lock)
        {
            var own = _byCaller.GetValueOrDefault(caller);
            if (_answers + answers > most)
            {
                throw RequestError.TooMany(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{_answers} answers are computed or wait; "
                        + $"this server takes {most}. Please try again in 1s."),
                    LeastRetry);
            }

            if (own + answers > options.MaxConcurrentAnswersPerKey)
            {
                throw RequestError.TooMany(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{own} answers of this API key are computed or wait; "
                        + $"it may have {options.MaxConcurrentAnswersPerKey}. Please try again in 1s."),
                    LeastRetry);
            }

            _answers += answers;
            _byCaller[caller] = own + answers;
        }

        return new Place(this, caller, answers);
    }

    private int Default()
    {
        var atOnce = running() ?? LeastWaiting;
        return atOnce + Math.Max(atOnce, LeastWaiting);
    }

    private void Leave(string caller, int answers)
    {
        lock (_lock)
        {
            _answers -= answers;
            if (_byCaller[caller] == answers)
            {
                _byCaller.Remove(caller);
            }
            else
            {
                _byCaller[caller] -= answers;
            }
        }
    }

    private sealed class Place(Admission admission, string caller, int answers) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                admission.Leave(caller, answers);
            }
        }
    }
}
