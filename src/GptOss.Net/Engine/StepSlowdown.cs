using System.Numerics;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Notices when steps take many times as long as the fastest of their size did: something else has the processors.</summary>
/// <remarks>
/// It looks at steps without prompts; steps are of a size when they have as many sequences and contexts of the same magnitude.
/// </remarks>
internal sealed class StepSlowdown
{
    private const double Many = 5;
    private const double Few = 2;
    private const int LeastSteps = 64;
    private const double Weight = 1.0 / 32;

    private readonly Dictionary<(int Sequences, int Context), double> _fastest = [];
    private double _ratio = 1;
    private int _steps;
    private bool _isTold;

    /// <summary>Gets how many times as long as the fastest the last steps took.</summary>
    public double Ratio => _ratio;

    /// <summary>A step was computed.</summary>
    /// <returns>Whether to tell: once, until steps are fast again.</returns>
    public bool Record(StepPlan plan, double seconds)
    {
        if (plan.PromptTokenCount > 0 || seconds <= 0)
        {
            return false;
        }

        var size = (plan.Chunks.Count, BitOperations.Log2((uint)plan.Chunks.Sum(chunk => chunk.Sequence.Tokens.Count)));
        var fastest = Math.Min(_fastest.GetValueOrDefault(size, seconds), seconds);
        _fastest[size] = fastest;
        _ratio += Weight * ((seconds / fastest) - _ratio);
        _steps++;
        var tells = !_isTold && _steps >= LeastSteps && _ratio > Many;
        _isTold = tells || (_isTold && _ratio > Few);
        return tells;
    }
}
