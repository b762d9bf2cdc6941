using GptOss.Net.Harmony;

namespace DemoModelTrainer.Corpus;

/// <summary>Draws conversations: a script, values for its placeholders, phrasings, effort, date and instructions.</summary>
internal sealed class ConversationSampler(DialogueCorpus corpus, SampleOptions options, Random random)
{
    private const int MostHistoryTurns = 2;
    private const int MostHistoryTurnsAtLowEffort = 7;
    private const double ShortSystemChance = 0.5;
    private const double HistoryChance = 0.12;
    private const double HistoryChanceAtLowEffort = 0.8;
    private static readonly DateOnly FirstDate = new(2024, 6, 1);
    private const int DateRangeDays = 365 * 5;

    public Sample Draw() => Draw(corpus.DrawScript(random));

    public Sample Draw(DialogueScript script)
    {
        var tool = script.UsesWeatherTool ? WeatherTool.Draw(random) : null;
        var values = DrawValues(script, tool);
        var effort = options.Effort ?? DrawEffort();
        var lines = DrawHistory(effort);
        foreach (var turn in script.Turns.SkipLast(1))
        {
            AddEarlierTurn(lines, turn, values);
        }

        var firstLearned = AddLearnedTurn(lines, script.Turns[^1], values, effort);
        return new Sample(
            script.Name, effort, options.IsTraining && random.NextDouble() < ShortSystemChance, DrawDate(), DrawInstructions(), tool,
            DrawFormat(script), lines, firstLearned);
    }

    private Dictionary<string, string> DrawValues(DialogueScript script, WeatherTool? tool)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (prefix, name) in script.Tables)
        {
            var table = corpus.Tables[name];
            var row = table.Rows[random.Next(table.Rows.Count)];
            for (var column = 0; column < row.Count; column++)
            {
                values[prefix + table.Columns[column]] = row[column];
            }
        }

        if (tool is not null)
        {
            values["function"] = tool.Function;
            values["parameter"] = tool.Parameter;
        }

        return values;
    }

    private List<SampleLine> DrawHistory(ReasoningEffort effort)
    {
        List<SampleLine> lines = [];
        var (chance, most) = effort == ReasoningEffort.Low
            ? (HistoryChanceAtLowEffort, MostHistoryTurnsAtLowEffort)
            : (HistoryChance, MostHistoryTurns);
        if (options.IsTraining && random.NextDouble() < chance)
        {
            for (var turns = random.Next(1, most + 1); turns > 0; turns--)
            {
                var script = corpus.DrawPlainScript(random);
                AddEarlierTurn(lines, script.Turns[0], DrawValues(script, tool: null));
            }
        }

        return lines;
    }

    /// <summary>A turn of the past has no analysis: the renderer drops it once a final message follows.</summary>
    private void AddEarlierTurn(List<SampleLine> lines, ScriptTurn turn, Dictionary<string, string> values)
    {
        lines.Add(new SampleLine(StepKind.User, DrawUserText(turn.Phrasings, values)));
        foreach (var step in turn.Steps.Where(step => step.Kind != StepKind.Analysis))
        {
            lines.Add(new SampleLine(step.Kind, TextTemplate.Fill(Pick(step.Alternatives), values)));
        }
    }

    /// <summary>Returns the first line to learn: without analysis, earlier turns read as they were written and are learned too.</summary>
    private int AddLearnedTurn(
        List<SampleLine> lines, ScriptTurn turn, Dictionary<string, string> values, ReasoningEffort effort)
    {
        var phrasings = options.UsesHeldOut ? turn.HeldOut : turn.Phrasings;
        lines.Add(new SampleLine(StepKind.User, DrawUserText(phrasings, values)));
        var firstLearned = lines.Count;
        foreach (var step in turn.Steps)
        {
            if (step.Kind == StepKind.Analysis && effort == ReasoningEffort.Low)
            {
                continue;
            }

            var template = effort == ReasoningEffort.High && step.Detailed is not null ? step.Detailed : Pick(step.Alternatives);
            lines.Add(new SampleLine(step.Kind, TextTemplate.Fill(template, values)));
        }

        return ForgetAnalysisOfCall(lines, effort == ReasoningEffort.Low && options.IsTraining ? 0 : firstLearned);
    }

    /// <summary>Some applications do not send the notes before a call back; then only what follows the result is learned.</summary>
    private int ForgetAnalysisOfCall(List<SampleLine> lines, int firstLearned)
    {
        var result = lines.FindLastIndex(line => line.Kind == StepKind.Result);
        if (!options.IsTraining || firstLearned == 0 || result < firstLearned || random.NextDouble() > 0.25)
        {
            return firstLearned;
        }

        if (lines[firstLearned].Kind == StepKind.Analysis)
        {
            lines.RemoveAt(firstLearned);
            result--;
        }

        return result + 1;
    }

    private string DrawUserText(IReadOnlyList<string> phrasings, Dictionary<string, string> values)
    {
        var text = TextTemplate.Fill(TextTemplate.Expand(Pick(phrasings), random), values).Trim();
        if (!options.IsTraining)
        {
            return text;
        }

        return Phrasing.Vary(text, random.NextDouble() < 0.5 ? corpus.UnknownWords : corpus.CommonWords, random);
    }

    private ReasoningEffort DrawEffort() => random.NextDouble() switch
    {
        < 0.30 => ReasoningEffort.Low,
        < 0.80 => ReasoningEffort.Medium,
        _ => ReasoningEffort.High,
    };

    private DateOnly? DrawDate() =>
        random.NextDouble() < 0.75 ? FirstDate.AddDays(random.Next(DateRangeDays)) : null;

    private string? DrawInstructions() => random.NextDouble() < 0.2 ? Pick(corpus.Instructions) : null;

    private string? DrawFormat(DialogueScript script) => script.Formats.Count == 0 ? null : Pick(script.Formats);

    private T Pick<T>(IReadOnlyList<T> values) => values[random.Next(values.Count)];
}
