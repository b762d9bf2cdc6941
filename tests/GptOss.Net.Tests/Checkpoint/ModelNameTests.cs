using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

/// <summary>What a model is called, from where it lies.</summary>
public sealed class ModelNameTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("openai/gpt-oss-20b", "gpt-oss-20b")]
    [InlineData("somewhere/that/is/not", "not")]
    [InlineData("gpt-oss-20b/", "gpt-oss-20b")]
    [InlineData("ollama:gpt-oss:20b", "gpt-oss:20b")]
    [InlineData("ollama:hf.co/ggml-org/gpt-oss-20b-GGUF", "gpt-oss-20b-GGUF")]
    [InlineData("models/gpt-oss-20b-MXFP4.gguf", "gpt-oss-20b-MXFP4")]
    [InlineData("models/gpt-oss-120b-mxfp4-00002-of-00003.gguf", "gpt-oss-120b-mxfp4")]
    public void An_id_names_the_model(string id, string name) => ModelName.Of(id).Should().Be(name);

    [Theory]
    [InlineData("gpt-oss-20b", "gpt-oss-20b")]
    [InlineData("gpt-oss-20b/", "gpt-oss-20b")]
    [InlineData("gpt-oss-20b/config.json", "gpt-oss-20b")]
    [InlineData("gpt-oss-20b/original", "gpt-oss-20b")]
    [InlineData("gpt-oss-20b/original/model.safetensors", "gpt-oss-20b")]
    [InlineData("gpt-oss-20b/.", "gpt-oss-20b")]
    [InlineData("models--openai--gpt-oss-20b/snapshots/0123abc", "gpt-oss-20b")]
    [InlineData("models--openai--gpt-oss-20b/snapshots/0123abc/config.json", "gpt-oss-20b")]
    public void A_folder_names_the_model(string path, string name) => ModelName.Of(Create(path)).Should().Be(name);

    [Fact]
    public void The_present_folder_has_a_name() => ModelName.Of(".").Should().Be(Path.GetFileName(Environment.CurrentDirectory));

    [Fact]
    public void The_root_has_a_name() => ModelName.Of(Path.GetPathRoot(Environment.CurrentDirectory)!).Should().NotBeEmpty();

    [Fact]
    public void A_snapshot_is_known_by_its_repository() =>
        ModelName.AliasesOf(Create("models--openai--gpt-oss-20b/snapshots/0123abc")).Should()
            .Contain(["openai/gpt-oss-20b", "gpt-oss-20b"]);

    private string Create(string path)
    {
        var full = _directory.File(path);
        var isFile = Path.HasExtension(path) && !path.EndsWith('.');
        Directory.CreateDirectory(isFile ? Path.GetDirectoryName(full)! : full);
        if (isFile)
        {
            File.WriteAllText(full, "");
        }

        return full;
    }
}
