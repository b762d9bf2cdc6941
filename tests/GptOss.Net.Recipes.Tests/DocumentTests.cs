using System.Text.RegularExpressions;

namespace GptOss.Net.Recipes.Tests;

/// <summary>What the documents show compiles, where they point to is there, and the READMEs say the same.</summary>
public sealed class DocumentTests
{
    // What people find in a package beside its code.
    private static readonly string[] Outside = ["https://", "http://127.0.0.1", "http://localhost"];

    // The beginnings of words that a reader who knows .NET need not know.
    private static readonly string[] Jargon =
    [
        "activation", "adapter", "agent", "attention", "AWQ", "batch", "bfloat16", "checkpoint", "chunk", "compute capability",
        "context", "CUDA", "decod", "dense", "effort", "embedding", "expert", "GGUF", "GPTQ", "greedy", "harmony", "head",
        "hidden state", "int8 per 32", "kernel", "keys", "layer", "libtorch", "log-probabilit", "logit", "LoRA", "mask", "MCP",
        "MXFP4", "norm", "NVRTC", "output projection", "preamble", "preempt", "prefill", "prefix", "prompt", "quanti",
        "retrieval", "rotary", "router", "safetensors", "sampl", "sequence", "sink", "sliding window", "stage", "step",
        "temperature", "tensor parallel", "time to first token", "token", "tokenizer", "tool", "TorchSharp", "turn",
        "unembedding", "vocabulary", "W4A16", "weight", "YaRN",
    ];

    public static TheoryData<string> All => [.. Documents.All()];

    public static TheoryData<string> ReadersPath => [.. Documents.Links(Documents.Read("docs/README.md")).Distinct()
        .Where(link => !link.Contains('/', StringComparison.Ordinal) && link != "words.md").Select(link => $"docs/{link}")];

    [Theory]
    [MemberData(nameof(All))]
    public void Code_compiles(string path)
    {
        foreach (var (line, given, code) in Documents.Code(Documents.Read(path)))
        {
            DocumentCompiler.Errors(given, code).Should().BeEmpty("of {0}, line {1}:\n{2}", path, line, code);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Links_lead_somewhere(string path)
    {
        var text = Documents.Read(path);
        foreach (var link in Documents.Links(text).Where(link => !Outside.Any(start => link.StartsWith(start, StringComparison.Ordinal))))
        {
            var (file, anchor) = link.Split('#') is [var name, var heading] ? (name, heading) : (link, null);
            var target = file.Length == 0 ? path : Path.Combine(Path.GetDirectoryName(path)!, file);
            var full = Path.Combine(Documents.Root, target);
            (File.Exists(full) || Directory.Exists(full)).Should().BeTrue("{0} points to {1}", path, link);
            if (anchor is not null)
            {
                Documents.Anchors(Documents.Read(target)).Should().Contain(anchor, "{0} points to {1}", path, link);
            }
        }
    }

    [Fact]
    public void Every_document_is_on_the_readers_path() =>
        Directory.EnumerateFiles(Path.Combine(Documents.Root, "docs"), "*.md").Select(Path.GetFileName).Where(name => name != "README.md")
            .Should().BeSubsetOf(Documents.Links(Documents.Read("docs/README.md")));

    /// <summary>
    /// Who knows .NET and no language models finds each word of the field on the page itself, in italics or bold, or behind its link
    /// to the words.
    /// </summary>
    [Theory]
    [MemberData(nameof(ReadersPath))]
    public void Words_of_the_field_are_explained(string path)
    {
        var (text, words) = (Documents.Prose(Documents.Read(path)), Documents.Read("docs/words.md"));
        var used = Jargon.Where(word => Regex.IsMatch(text, $@"\b{word}", RegexOptions.IgnoreCase)).ToArray();

        used.Where(word => !Explains(words, word)).Should().BeEmpty("docs/words.md explains every word that a page uses");
        if (!Documents.Links(Documents.Read(path)).Any(link => link.StartsWith("words.md", StringComparison.Ordinal)))
        {
            used.Where(word => !Explains(text, word)).Should().BeEmpty("{0} neither explains them nor points to the words", path);
        }
    }

    private static bool Explains(string text, string word) => Regex.IsMatch(text, $@"\*[^*\n]*\b{word}[^*\n]*\*", RegexOptions.IgnoreCase);

    [Fact]
    public void Both_readmes_say_the_same()
    {
        var (english, chinese) = (Documents.Read("README.md"), Documents.Read("README.zh-CN.md"));

        Documents.HeadingLevels(chinese).Should().Equal(Documents.HeadingLevels(english));
        Documents.Blocks(chinese).Should().Equal(Documents.Blocks(english));
        Rows(chinese).Should().Equal(Rows(english), "tables have the same rows");
        Documents.Links(chinese).Distinct().Except(["README.md"]).Should()
            .BeEquivalentTo(Documents.Links(english).Distinct().Except(["README.zh-CN.md"]));

        static int[] Rows(string markdown) =>
            [.. markdown.Split("\n\n").Where(part => part.StartsWith('|')).Select(part => part.Trim().Split('\n').Length)];
    }
}
