using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>The state that characters of a range lead to.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PatternStep(CharacterRange Range, int Target)
{
    /// <summary>Adds a step behind others, as a part of the last one where that leads to the same state.</summary>
    public static void Append(List<PatternStep> steps, PatternStep step)
    {
        if (steps.Count > 0 && steps[^1].Target == step.Target && steps[^1].Range.High + 1 == step.Range.Low)
        {
            steps[^1] = steps[^1] with { Range = steps[^1].Range with { High = step.Range.High } };
        }
        else
        {
            steps.Add(step);
        }
    }
}
