using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Checkpoint;

/// <summary>Whether files hold what they held, without reading all of them.</summary>
public sealed class ContentIdentityTests : IDisposable
{
    private const int Length = 3 << 20;

    private readonly TemporaryDirectory _directory = new();
    private readonly string _path;
    private readonly DateTime _time = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    public ContentIdentityTests()
    {
        _path = _directory.Write("model.safetensors", new byte[Length]);
        File.SetLastWriteTimeUtc(_path, _time);
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData((1 << 20) - 1)]
    [InlineData(Length - 1)]
    public void What_is_written_into_the_head_or_the_end_is_noticed_though_length_and_time_are_the_same(int position)
    {
        var before = Identity();

        using (var stream = File.OpenWrite(_path))
        {
            stream.Position = position;
            stream.WriteByte(1);
        }

        File.SetLastWriteTimeUtc(_path, _time);
        Identity().Should().NotBe(before);
    }

    [Fact]
    public void Other_weights_are_noticed_though_head_length_and_time_are_the_same()
    {
        var before = Identity();

        using (var stream = File.OpenWrite(_path))
        {
            stream.Position = 2 << 20;
            stream.Write(Enumerable.Repeat((byte)1, 1 << 19).ToArray());
        }

        File.SetLastWriteTimeUtc(_path, _time);
        Identity().Should().NotBe(before);
    }

    [Fact]
    public void Another_time_or_length_is_noticed()
    {
        var before = Identity();
        File.SetLastWriteTimeUtc(_path, _time.AddSeconds(1));
        var later = Identity();
        using (var stream = File.OpenWrite(_path))
        {
            stream.SetLength(Length + 1);
        }

        new[] { before, later, Identity() }.Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void A_link_stands_for_its_file()
    {
        var link = _directory.File("link");
        File.CreateSymbolicLink(link, _path);

        ContentIdentity.Files([link, _path]).Should().Equal(_path);
    }

    [Fact]
    public void Files_of_few_bytes_have_one_too() =>
        ContentIdentity.Of([_directory.Write("empty", []), _directory.Write("small", [1])]).Should().Contain("\n");

    private string Identity() => ContentIdentity.Of([_path]);
}
