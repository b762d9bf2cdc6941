using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

public sealed class CheckpointLocatorTests : IDisposable
{
    private const string Id = "some-owner/some-model";
    private const string Repository = "models--some-owner--some-model";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Directory_is_taken_as_it_is()
    {
        CheckpointLocator.Locate(_directory.Path, _directory.Path).Should().Be(_directory.Path);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("model.safetensors.index.json")]
    public void A_file_of_a_checkpoint_stays_that_file(string name)
    {
        CheckpointLocator.Locate(_directory.Write(name, "{}"u8), _directory.Path).Should().Be(_directory.File(name));
    }

    [Fact]
    public void Other_file_is_refused()
    {
        var path = _directory.Write("model.pt", "GGUF"u8);

        Locate(path).Should().Throw<CheckpointException>().WithMessage("*nor part of a safetensors checkpoint*");
    }

    [Fact]
    public void Id_is_the_snapshot_of_the_main_branch()
    {
        Snapshot("0123abcd");
        Snapshot("4567efab");
        _directory.Write($"{Repository}/refs/main", "4567efab\n"u8);

        CheckpointLocator.Locate(Id, _directory.Path).Should().EndWith(Path.Combine(Repository, "snapshots", "4567efab"));
    }

    [Fact]
    public void Only_snapshot_needs_no_branch()
    {
        Snapshot("0123abcd");

        CheckpointLocator.Locate(Id, _directory.Path).Should().EndWith("0123abcd");
    }

    [Fact]
    public void Several_snapshots_without_a_branch_are_listed()
    {
        Snapshot("4567efab");
        Snapshot("0123abcd");

        Locate(Id).Should().Throw<CheckpointException>()
            .WithMessage("*no snapshot of revision 'main'*0123abcd, 4567efab. Give the directory*");
    }

    [Fact]
    public void Branch_note_cannot_lead_out_of_the_cache()
    {
        Snapshot("0123abcd");
        _directory.Write($"{Repository}/refs/main", "../../.."u8);

        Locate(Id).Should().Throw<CheckpointException>();
    }

    [Fact]
    public void Absent_id_says_where_it_looked_and_what_to_do()
    {
        Locate(Id).Should().Throw<CheckpointException>()
            .WithMessage($"*{Id}*{Path.Combine(_directory.Path, Repository, "snapshots")}*AllowDownload = true*");
    }

    [Theory]
    [InlineData("/no/such/directory")]
    [InlineData("../no-such-directory/x/y")]
    [InlineData("../../no-such")]
    [InlineData("no-such-directory")]
    [InlineData("owner/../name")]
    [InlineData("owner/na me")]
    public void What_is_neither_path_nor_id_is_refused(string text)
    {
        Locate(text).Should().Throw<CheckpointException>().WithMessage("*neither a directory*nor an id*");
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void Blank_is_a_mistake_of_the_caller(string text)
    {
        Locate(text).Should().Throw<ArgumentException>();
    }

    private Action Locate(string pathOrId) => () => CheckpointLocator.Locate(pathOrId, _directory.Path);

    private void Snapshot(string commit) => _directory.Write($"{Repository}/snapshots/{commit}/config.json", "{}"u8);
}
