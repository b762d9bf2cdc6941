using DemoModelTrainer.Corpus;
using DemoModelTrainer.Encoding;
using DemoModelTrainer.Evaluation;
using DemoModelTrainer.Training;
using GptOss.Net.Harmony;
using GptOss.Net.Interop;
using TorchSharp;

namespace DemoModelTrainer;

/// <summary>The steps of the program: corpus, training, evaluation, checkpoint, archive.</summary>
internal static class TrainerCommand
{
    private const int SamplesPerScript = 24;

    public static int Run(string[] args)
    {
        if (CommandLine.Parse(args) is not { } commandLine)
        {
            Console.Error.WriteLine(CommandLine.Usage);
            return 1;
        }

        NativeLibraries.EnsureLoaded();
        torch.set_num_threads(1);
        Directory.CreateDirectory(commandLine.OutputFolder);
        var corpus = DialogueCorpus.Load(AppContext.BaseDirectory);
        var tokenizer = HarmonyTokenizer.Create();
        var encoder = new ExampleEncoder(tokenizer);
        var vocabulary = CompactVocabulary.Build(corpus, tokenizer, new Random(commandLine.Seed));
        using var model = NewModel(vocabulary, commandLine.Seed);
        Console.WriteLine($"{corpus.Scripts.Count} scripts, {vocabulary.TokenIds.Count} rows, "
            + $"{model.parameters().Sum(parameter => parameter.numel()):N0} parameters");
        var weightsFile = Path.Combine(commandLine.OutputFolder, "nano.dat");
        if (commandLine.WeightsFile is { } given)
        {
            model.load(given);
        }

        if (commandLine.Steps > 0)
        {
            Train(model, corpus, encoder, vocabulary, commandLine, weightsFile);
        }

        Evaluate(model, corpus, encoder, vocabulary, tokenizer, commandLine.Seed);
        return 0;
    }

    private static NanoModel NewModel(CompactVocabulary vocabulary, int seed)
    {
        using var generator = new torch.Generator((ulong)seed);
        return new NanoModel(new NanoConfig(), vocabulary.TokenIds.Count, vocabulary.SharedCount, generator);
    }

    private static void Train(
        NanoModel model,
        DialogueCorpus corpus,
        ExampleEncoder encoder,
        CompactVocabulary vocabulary,
        CommandLine commandLine,
        string weightsFile)
    {
        var random = new Random(commandLine.Seed + 1);
        var options = new TrainingOptions
        {
            Steps = commandLine.Steps,
            Replicas = commandLine.Threads,
            TimeLimit = commandLine.Minutes > 0 ? TimeSpan.FromMinutes(commandLine.Minutes) : Timeout.InfiniteTimeSpan,
        };
        var sampler = new ConversationSampler(corpus, SampleOptions.Training, random);
        var batches = new BatchSource(sampler, encoder, options.TokensPerBatch, random);
        new Trainer(model, vocabulary, options)
            .Run(batches.Batches(), () => NewModel(vocabulary, commandLine.Seed), weightsFile);
    }

    private static void Evaluate(
        NanoModel model,
        DialogueCorpus corpus,
        ExampleEncoder encoder,
        CompactVocabulary vocabulary,
        HarmonyTokenizer tokenizer,
        int seed)
    {
        var evaluator = new Evaluator(model, vocabulary, encoder);
        Report("trained phrasings", evaluator, corpus, SampleOptions.Plain, corpus.Scripts, seed);
        var heldOut = corpus.Scripts.Where(script => script.Turns[^1].HeldOut.Count > 0);
        Report("held-out phrasings", evaluator, corpus, SampleOptions.HeldOut, heldOut, seed);
        var greedy = new GreedyGenerator(model, vocabulary);
        foreach (var prompt in ReadmePrompts.All)
        {
            var example = encoder.Encode(ReadmePrompts.ToSample(prompt, ReasoningEffort.Medium));
            Console.WriteLine($"> {prompt}\n  {tokenizer.Decode(greedy.Generate(example.Prompt))}");
        }
    }

    private static void Report(
        string title,
        Evaluator evaluator,
        DialogueCorpus corpus,
        SampleOptions options,
        IEnumerable<DialogueScript> scripts,
        int seed)
    {
        var sampler = new ConversationSampler(corpus, options, new Random(seed + 2));
        var samples = scripts.SelectMany(script => Enumerable.Range(0, SamplesPerScript).Select(_ => sampler.Draw(script)));
        var accuracy = evaluator.Measure(samples);
        Console.WriteLine($"{title}: {accuracy.Right} of {accuracy.Total} word for word ({accuracy.Share:P1}), loss {accuracy.Loss:F4}");
        foreach (var weak in accuracy.WeakScripts.Take(12))
        {
            Console.WriteLine($"  {weak}");
        }
    }
}
