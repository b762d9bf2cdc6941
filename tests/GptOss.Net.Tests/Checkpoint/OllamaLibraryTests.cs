using System.Text;
using GptOss.Net.Checkpoint;
using GptOss.Net.Hub;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class OllamaLibraryTests : IDisposable
{
    private static readonly string Digest = "sha256:" + new string('a', 64);

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("ollama:gpt-oss:20b", "registry.ollama.ai/library/gpt-oss/20b")]
    [InlineData("ollama:gpt-oss", "registry.ollama.ai/library/gpt-oss/latest")]
    [InlineData("ollama:someone/gpt-oss-tuned:q8", "registry.ollama.ai/someone/gpt-oss-tuned/q8")]
    [InlineData("ollama:hf.co/ggml-org/gpt-oss-20b-GGUF", "hf.co/ggml-org/gpt-oss-20b-GGUF/latest")]
    public void A_model_is_found_by_its_name(string name, string manifest)
    {
        Write(manifest, Manifest(Digest));
        var blob = Blob();

        OllamaLibrary.Locate(name, _directory.Path).Should().Be(blob);
    }

    [Fact]
    public async Task The_folder_is_the_one_that_the_environment_names()
    {
        Write("registry.ollama.ai/library/gpt-oss/20b", Manifest(Digest));
        var blob = Blob();
        var settings = HubSettings.Read(_directory.Path, name => name == "OLLAMA_MODELS" ? _directory.Path : null);

        (await ModelSource.ResolveAsync(
            "ollama:gpt-oss:20b", new GptOssModelOptions { AllowDownload = true }, settings, null, TestContext.Current.CancellationToken))
            .Should().Be(blob);
    }

    [Theory]
    [InlineData("ollama:../../etc:x")]
    [InlineData("ollama:a/b/c/d:x")]
    [InlineData("ollama:")]
    [InlineData("ollama:gpt-oss:")]
    [InlineData("ollama:gpt-oss:..")]
    public void A_name_that_leads_elsewhere_is_refused(string name) =>
        Locating(name).Should().Throw<CheckpointException>().WithMessage("*is no name*");

    [Fact]
    public void A_model_that_was_not_pulled_is_told_with_the_command_that_does() =>
        Locating("ollama:gpt-oss:20b").Should().Throw<CheckpointException>().WithMessage("*ollama pull gpt-oss:20b*OLLAMA_MODELS*");

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"layers\": {}}")]
    [InlineData("{\"layers\": [1, {\"mediaType\": \"application/vnd.ollama.image.model\", \"digest\": \"sha256:../../x\"}]}")]
    [InlineData("{\"layers\": [{\"mediaType\": \"application/vnd.ollama.image.license\", \"digest\": \"DIGEST\"}]}")]
    [InlineData("{\"layers\": [{\"mediaType\": \"\\ud800\", \"digest\": \"DIGEST\"}]}")]
    public void A_manifest_without_weights_is_refused(string manifest)
    {
        Write("registry.ollama.ai/library/gpt-oss/20b", manifest.Replace("DIGEST", Digest, StringComparison.Ordinal));

        Locating("ollama:gpt-oss:20b").Should().Throw<CheckpointException>().WithMessage("*names no layer*");
    }

    [Fact]
    public void Weights_that_are_gone_are_told_by_their_path()
    {
        Write("registry.ollama.ai/library/gpt-oss/20b", Manifest(Digest));

        Locating("ollama:gpt-oss:20b").Should().Throw<CheckpointException>().WithMessage("*sha256-aaaa*");
    }

    private Action Locating(string name) => () => OllamaLibrary.Locate(name, _directory.Path);

    private static string Manifest(string digest) =>
        $$"""{"schemaVersion": 2"""
        + $$""", "layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:{{new string('b', 64)}}"}"""
        + $$""", {"mediaType": "application/vnd.ollama.image.model", "digest": "{{digest}}"}]}""";

    private void Write(string name, string manifest)
    {
        var path = _directory.File(Path.Combine("manifests", name));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, manifest, Encoding.UTF8);
    }

    private string Blob()
    {
        Directory.CreateDirectory(_directory.File("blobs"));
        return _directory.Write(Path.Combine("blobs", Digest.Replace(':', '-')), "GGUF"u8);
    }
}
