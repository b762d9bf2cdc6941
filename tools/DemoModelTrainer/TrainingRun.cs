using DemoModelTrainer.Corpus;
using DemoModelTrainer.Encoding;
using DemoModelTrainer.Evaluation;
using DemoModelTrainer.Export;
using DemoModelTrainer.Training;
using GptOss.Net.Harmony;
using TorchSharp;

namespace DemoModelTrainer;

/// <summary>The steps of the program, in order: corpus and vocabulary, training, evaluation, checkpoint and archive.</summary>
internal sealed class TrainingRun : IDisposable
{
    private const string ModelName = "gpt-oss-nano";
    private const int SamplesPerScript = 24;
    private const int WeakScriptsShown = 16;

    private readonly CommandLine _commandLine;
    private readonly HarmonyTokenizer _tokenizer = HarmonyTokenizer.Create();
    private readonly DialogueCorpus _corpus = DialogueCorpus.Load(AppContext.BaseDirectory);
    private readonly ExampleEncoder _encoder;
    private readonly CompactVocabulary _vocabulary;
    private readonly NanoModel _model;

    public TrainingRun(CommandLine commandLine)
    {
        _commandLine = commandLine;
        _encoder = new ExampleEncoder(_tokenizer);
        _vocabulary = CompactVocabulary.Build(_corpus, _tokenizer, new Random(commandLine.Seed));
        _model = NewModel();
        if (commandLine.WeightsFile is { } given)
        {
            _model.load(given);
        }

        Directory.CreateDirectory(commandLine.OutputFolder);
        Console.WriteLine($"{_corpus.Scripts.Count} scripts, {_vocabulary.TokenIds.Count} rows, "
            + $"{_model.parameters().Sum(parameter => parameter.numel()):N0} parameters");
    }

    public void Train()
    {
        if (_commandLine.Steps == 0)
        {
            return;
        }

        var random = new Random(_commandLine.Seed + 1);
        var options = new TrainingOptions
        {
            Steps = _commandLine.Steps,
            Replicas = _commandLine.Threads,
            TimeLimit = _commandLine.Minutes > 0 ? TimeSpan.FromMinutes(_commandLine.Minutes) : Timeout.InfiniteTimeSpan,
        };
        var sampler = new ConversationSampler(_corpus, SampleOptions.Training, random);
        var batches = new BatchSource(sampler, _encoder, options.TokensPerBatch, random);
        new Trainer(_model, _vocabulary, options).Run(batches.Batches(), NewModel, OutputPath("nano.dat"));
    }

    public void Evaluate()
    {
        Measure("trained phrasings", SampleOptions.Plain, _corpus.Scripts);
        Measure("held-out phrasings", SampleOptions.HeldOut, _corpus.Scripts.Where(script => script.Turns[^1].HeldOut.Count > 0));
        var greedy = new GreedyGenerator(_model, _vocabulary);
        foreach (var prompt in ReadmePrompts.All)
        {
            var example = _encoder.Encode(ReadmePrompts.ToSample(prompt, ReasoningEffort.Medium));
            Console.WriteLine($"> {prompt}\n  {_tokenizer.Decode(greedy.Generate(example.Prompt))}");
        }
    }

    public void Export()
    {
        var folder = OutputPath(ModelName);
        new NanoCheckpoint(_model, _vocabulary).Write(folder);
        var archive = OutputPath(ModelName + ".tar.br");
        DemoArchive.Write(folder, archive, OutputPath(ModelName + ".files"));
        Console.WriteLine($"{archive}: {new FileInfo(archive).Length:N0} bytes");
    }

    public void Dispose() => _model.Dispose();

    private NanoModel NewModel()
    {
        using var generator = new torch.Generator((ulong)_commandLine.Seed);
        return new NanoModel(new NanoConfig(), _vocabulary.TokenIds.Count, _vocabulary.SharedCount, generator);
    }

    private void Measure(string title, SampleOptions options, IEnumerable<DialogueScript> scripts)
    {
        var sampler = new ConversationSampler(_corpus, options, new Random(_commandLine.Seed + 2));
        var samples = scripts.SelectMany(script => Enumerable.Range(0, SamplesPerScript).Select(_ => sampler.Draw(script)));
        var accuracy = new Evaluator(_model, _vocabulary, _encoder).Measure(samples);
        Console.WriteLine($"{title}: {accuracy.Right} of {accuracy.Total} word for word ({accuracy.Share:P1}), loss {accuracy.Loss:F4}");
        foreach (var weak in accuracy.WeakScripts.Take(WeakScriptsShown))
        {
            Console.WriteLine($"  {weak}");
        }
    }

    private string OutputPath(string name) => Path.Combine(_commandLine.OutputFolder, name);
}
