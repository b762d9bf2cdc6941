using System.Text.Json;
using DemoModelTrainer.Corpus;
using GptOss.Net.Harmony;

namespace DemoModelTrainer.Encoding;

/// <summary>Renders conversations as the chat client does, and marks what the model learns: its own messages of the last turn.</summary>
internal sealed class ExampleEncoder(HarmonyTokenizer tokenizer)
{
    private const string JsonContentType = "<|constrain|>json";
    private readonly HarmonyRenderer _renderer = new(tokenizer);
    private readonly int _assistant = tokenizer.Encode("assistant")[0];

    public TrainingExample Encode(Sample sample)
    {
        var messages = OpeningMessages(sample);
        var firstLearned = messages.Count + sample.FirstLearned;
        messages.AddRange(sample.Lines.Select(line => ToMessage(line, sample)));
        var tokens = _renderer.RenderForTraining(messages);
        return new TrainingExample(tokens, MarkLearned(tokens, firstLearned));
    }

    private static List<HarmonyMessage> OpeningMessages(Sample sample)
    {
        List<HarmonyMessage> messages = [HarmonyMessage.FromSystem(ToSystem(sample))];
        if (sample.Instructions is not null || sample.Tool is not null || sample.Format is not null)
        {
            messages.Add(HarmonyMessage.FromDeveloper(new DeveloperContent
            {
                Instructions = sample.Instructions,
                ToolNamespaces = sample.Tool is null ? [] : [ToNamespace(sample.Tool)],
                ResponseFormat = sample.Format is null ? null : ToFormat(sample.Format),
            }));
        }

        return messages;
    }

    private static SystemContent ToSystem(Sample sample) => sample.HasShortSystem
        ? new SystemContent
        {
            Identity = null,
            KnowledgeCutoff = null,
            CurrentDate = sample.Date,
            ReasoningEffort = sample.Effort,
            Channels = [],
        }
        : new SystemContent { CurrentDate = sample.Date, ReasoningEffort = sample.Effort };

    private static ToolNamespace ToNamespace(WeatherTool tool) => new()
    {
        Name = ToolNamespace.Functions,
        Tools =
        [
            new ToolDescription
            {
                Name = tool.Function,
                Description = tool.Description,
                Parameters = JsonSerializer.SerializeToElement(tool.Schema),
            },
        ],
    };

    private static ResponseFormat ToFormat(string format)
    {
        var blank = format.IndexOf(' ', StringComparison.Ordinal);
        using var schema = JsonDocument.Parse(format[(blank + 1)..]);
        return new ResponseFormat { Name = format[..blank], Schema = schema.RootElement.Clone() };
    }

    private static HarmonyMessage ToMessage(SampleLine line, Sample sample) => line.Kind switch
    {
        StepKind.User => HarmonyMessage.FromUser(line.Text),
        StepKind.Analysis => HarmonyMessage.FromAssistant(line.Text, HarmonyChannel.Analysis),
        StepKind.Call => HarmonyMessage.FromCall(FunctionName(sample), line.Text),
        StepKind.Result => HarmonyMessage.FromTool(FunctionName(sample), line.Text),
        _ when sample.Format is not null => new HarmonyMessage
        {
            Role = HarmonyRole.Assistant,
            Channel = HarmonyChannel.Final,
            ContentType = JsonContentType,
            Content = [new HarmonyText(line.Text)],
        },
        _ => HarmonyMessage.FromAssistant(line.Text, HarmonyChannel.Final),
    };

    private static string FunctionName(Sample sample) => $"{ToolNamespace.Functions}.{sample.Tool!.Function}";

    private bool[] MarkLearned(int[] tokens, int firstLearned)
    {
        var learned = new bool[tokens.Length];
        var message = -1;
        var start = 0;
        for (var index = 0; index < tokens.Length; index++)
        {
            if (tokens[index] == ControlToken.Start)
            {
                (message, start) = (message + 1, index);
            }

            // After its own <|end|> the model writes <|start|>assistant itself; elsewhere the prompt ends with that.
            var continues = start > 0 && learned[start - 1] && tokens[start - 1] == ControlToken.End;
            learned[index] = message >= firstLearned && tokens[start + 1] == _assistant && (continues || index > start + 1);
        }

        return learned;
    }
}
