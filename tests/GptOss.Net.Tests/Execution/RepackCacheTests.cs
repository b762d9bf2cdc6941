using System.IO.Hashing;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Quantization;
using GptOss.Net.Tests.Model;

namespace GptOss.Net.Tests.Execution;

/// <summary>A second start with a cache maps what the first one packed, and only that.</summary>
public sealed class RepackCacheTests : IDisposable
{
    private static readonly KVCacheCapacity Capacity = new(16, 16);

    private readonly TemporaryDirectory _cache = new();
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _cache.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("a", "fast")]
    [InlineData("a", "exact")]
    [InlineData("a", "int4")]
    [InlineData("b", "fast")]
    [InlineData("a-awq", "fast")]
    [InlineData("a-awq", "exact")]
    public void A_second_start_maps_the_weights_and_gives_the_same_bits(string name, string mode)
    {
        var first = Begin(Fixtures.ModelDirectory(name), mode);
        var second = Begin(Fixtures.ModelDirectory(name), mode);

        first.MappedBytes.Should().Be(0);
        second.MappedBytes.Should().BePositive();
        second.Logits.Should().Equal(first.Logits);
        first.Log.Should().ContainSingle().Which.Should().StartWith("Kept ");
        second.Log.Should().ContainSingle().Which.Should().StartWith("Mapped ");
        CacheFiles().Should().ContainSingle().Which.Should().Contain($"{name}-");
    }

    [Fact]
    public void Gguf_files_are_kept_too()
    {
        using (var checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory("a")))
        {
            var model = new GgufModel(checkpoint, ModelConfigReader.Read(checkpoint.ConfigPath)) { Dense = GgmlType.Q8_0 };
            File.WriteAllBytes(_directory.File("a.gguf"), model.Write().Write());
        }

        var first = Begin(_directory.File("a.gguf"));
        var second = Begin(_directory.File("a.gguf"));

        second.MappedBytes.Should().BePositive();
        second.Logits.Should().Equal(first.Logits);
    }

    [Fact]
    public void Forms_and_parts_have_files_of_their_own()
    {
        var whole = Begin(Fixtures.ModelDirectory("a"));
        Begin(Fixtures.ModelDirectory("a"), "exact").MappedBytes.Should().Be(0);
        var part = new ModelPart([DeviceId.Cpu], 0, 2, Embeds: true, Unembeds: true);
        Begin(Fixtures.ModelDirectory("a"), part: part).MappedBytes.Should().Be(0);

        CacheFiles().Should().HaveCount(3);
        Begin(Fixtures.ModelDirectory("a")).MappedBytes.Should().BeGreaterThan(Begin(Fixtures.ModelDirectory("a"), part: part).MappedBytes);
        Begin(Fixtures.ModelDirectory("a")).Logits.Should().Equal(whole.Logits);
    }

    [Theory]
    [InlineData("Altered", RepackedFile.HeaderBytes + 100_000, 1)]
    [InlineData("Altered", 60, 1)]
    [InlineData("Altered", 0, 1)]
    [InlineData("Unfinished", 0, RepackedFile.HeaderBytes)]
    [InlineData("OtherVersion", 8, 1)]
    [InlineData("WrongLength", -1, 0)]
    public void A_file_that_is_not_right_is_told_of_and_written_again(string fault, int position, int zeros)
    {
        var first = Begin(Fixtures.ModelDirectory("a"));
        Damage(CacheFiles().Single(), position, zeros);

        var second = Begin(Fixtures.ModelDirectory("a"));
        var third = Begin(Fixtures.ModelDirectory("a"));

        (second.MappedBytes, third.MappedBytes > 0).Should().Be((0, true));
        second.Log.Should().ContainSingle(line => line.Contains($"({fault})", StringComparison.Ordinal));
        new[] { second, third }.Should().OnlyContain(start => start.Logits.SequenceEqual(first.Logits));
    }

    [Theory]
    [InlineData("model.safetensors", false)]
    [InlineData("model.safetensors", true)]
    [InlineData("config.json", true)]
    public void A_checkpoint_that_was_changed_is_packed_again(string file, bool keepsTime)
    {
        var draft = new CheckpointDraft("a");
        draft.Write(_directory.Path);
        var first = Begin(_directory.Path);
        var time = File.GetLastWriteTimeUtc(_directory.File(file));
        foreach (ref var value in draft.Values<ushort>("model.norm.weight"))
        {
            value ^= 0x8000;
        }

        draft.Config["rms_norm_eps"] = 1e-4;
        draft.Write(_directory.Path);
        File.SetLastWriteTimeUtc(_directory.File(file), keepsTime ? time : time.AddSeconds(1));

        var second = Begin(_directory.Path);

        second.MappedBytes.Should().Be(0);
        second.Log.Should().ContainSingle(line => line.Contains("(OtherContent)", StringComparison.Ordinal));
        second.Logits.Should().NotEqual(first.Logits);
        CacheFiles().Should().ContainSingle("what nothing maps any more is not left");
    }

    [Fact]
    public async Task Many_starts_at_once_leave_one_whole_file()
    {
        var starts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Begin(Fixtures.ModelDirectory("a")))));

        starts.Should().OnlyContain(start => start.Logits.SequenceEqual(starts[0].Logits));
        Begin(Fixtures.ModelDirectory("a")).MappedBytes.Should().BePositive();
        Directory.GetFiles(_cache.Path).Should().HaveCount(2, "the file, and that which lets only one write");
    }

    [Fact]
    public void What_a_killed_process_left_is_removed()
    {
        Begin(Fixtures.ModelDirectory("a"));
        var file = CacheFiles().Single();
        var left = $"{file}.{Guid.NewGuid():N}.incomplete";
        File.Move(file, left);

        Begin(Fixtures.ModelDirectory("a")).MappedBytes.Should().Be(0);

        File.Exists(left).Should().BeFalse();
        File.Exists(file).Should().BeTrue();
    }

    [Fact]
    public void Deleting_the_file_ends_no_model_that_runs()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There a file that is mapped cannot be deleted.");
        var first = Begin(Fixtures.ModelDirectory("a"));

        var second = Begin(Fixtures.ModelDirectory("a"), meanwhile: () => File.Delete(CacheFiles().Single()));

        second.Logits.Should().Equal(first.Logits);
    }

    [Fact]
    public void Where_nothing_can_be_written_the_model_runs_all_the_same()
    {
        File.WriteAllText(_cache.File("file"), "no folder");

        var start = Begin(Fixtures.ModelDirectory("a"), cache: _cache.File("file"));

        start.MappedBytes.Should().Be(0);
        start.Log.Should().ContainSingle(line => line.Contains("are not kept", StringComparison.Ordinal));
    }

    [Fact]
    public async Task On_a_full_disk_the_model_runs_all_the_same_and_nothing_is_left_there()
    {
        var disk = _directory.File("disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(await SmallDisk.MountAsync(disk, "64k"), "Needs the right to mount a small file system.");
        try
        {
            var start = Begin(Fixtures.ModelDirectory("a"), cache: disk);

            start.MappedBytes.Should().Be(0);
            start.Log.Should().ContainSingle(line => line.Contains("are not kept", StringComparison.Ordinal));
            Directory.GetFiles(disk).Should().OnlyContain(path => path.EndsWith(".lock", StringComparison.Ordinal));
        }
        finally
        {
            await SmallDisk.UnmountAsync(disk);
        }
    }

    [Fact]
    public async Task A_read_only_folder_is_mapped_from_and_never_written_to()
    {
        Begin(Fixtures.ModelDirectory("a"));
        var disk = _directory.File("disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(await SmallDisk.MountAsync(disk, "64m"), "Needs the right to mount a small file system.");
        try
        {
            File.Copy(CacheFiles().Single(), Path.Combine(disk, Path.GetFileName(CacheFiles().Single())));
            await SmallDisk.MountAsync(disk, "64m", "remount,ro");

            Begin(Fixtures.ModelDirectory("a"), cache: disk).MappedBytes.Should().BePositive();
            var other = Begin(Fixtures.ModelDirectory("b"), cache: disk);
            other.MappedBytes.Should().Be(0);
            other.Log.Should().ContainSingle(line => line.Contains("are not kept", StringComparison.Ordinal));
        }
        finally
        {
            await SmallDisk.UnmountAsync(disk);
        }
    }

    [Fact]
    public void Cancelling_while_it_is_written_leaves_nothing_behind()
    {
        using var fixture = new ModelFixture("a");
        using var log = new RecordingLoggerFactory();
        using var memory = new CpuMemory();
        Allocate(memory);
        var cache = new RepackCache(_cache.Path, [.. fixture.Checkpoint.Paths], log);

        var keeping = () => cache.Keep("form", memory.Ranges, new CancellationToken(canceled: true));

        keeping.Should().Throw<OperationCanceledException>();
        Directory.GetFiles(_cache.Path).Should().OnlyContain(path => path.EndsWith(".lock", StringComparison.Ordinal));

        static unsafe void Allocate(CpuMemory memory) => memory.Allocate<byte>(1_000);
    }

    /// <summary>
    /// Where this fails, weights are packed in another way than before: count <see cref="RepackedFile.Version"/> up, and state what is
    /// right now.
    /// </summary>
    [Theory]
    [InlineData("a", "fast", "46f9ffede24277f8")]
    [InlineData("a", "exact", "ac492b3e809eec6f")]
    [InlineData("a", "int4", "78c1f2452b377c0c")]
    [InlineData("b", "fast", "ab8511fd18c2bd4a")]
    [InlineData("a-awq", "fast", "2a464e5cf2f2207e")]
    [InlineData("a-awq", "exact", "4d45702d848ef0bb")]
    public void The_layout_is_that_of_the_version(string name, string mode, string hash)
    {
        RepackedFile.Version.Should().Be(1);
        using var fixture = new ModelFixture(name);
        using var memory = new CpuMemory();
        new CpuWeightLoader(fixture.Config, fixture.Weights, Options(mode), memory, NoProgress()).Load(threads: 2);

        var all = new XxHash3();
        foreach (var range in memory.Ranges)
        {
            all.Append(range.Span(0, (int)range.Bytes));
        }

        Convert.ToHexStringLower(all.GetCurrentHash()).Should().Be(hash);
    }

    private static void Damage(string path, int position, int zeros)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(path).Should().NotHaveFlag(UnixFileMode.UserWrite, "nobody is to write into it by mistake");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using var stream = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        if (position < 0)
        {
            stream.SetLength(stream.Length + position);
            return;
        }

        stream.Position = position;
        var value = stream.ReadByte();
        stream.Position = position;
        stream.Write(zeros == 1 ? [(byte)~value] : new byte[zeros]);
    }

    private static CpuExecutorOptions Options(string mode) =>
        mode == "exact" ? CpuExecutorOptions.Exact : CpuExecutorOptions.Fast with { UnembeddingInt4 = mode == "int4" };

    private static WeightReadProgress NoProgress() => new(0, (_, _) => { }, default);

    private string[] CacheFiles() => Directory.GetFiles(_cache.Path, "*.weights");

    private Start Begin(string path, string mode = "fast", string? cache = null, ModelPart? part = null, Action? meanwhile = null)
    {
        using var checkpoint = CheckpointOpener.Open(path);
        using var log = new RecordingLoggerFactory();
        var config = ModelConfigReader.Read(checkpoint);
        using var executor = CpuExecutor.Load(
            config,
            ModelWeightsReader.Read(config, checkpoint),
            Capacity,
            Options(mode) with { Threads = 2 },
            NoProgress(),
            part,
            new RepackCache(cache ?? _cache.Path, [.. checkpoint.Paths], log));
        meanwhile?.Invoke();
        var logits = new ExecutorDriver(executor, Capacity, config.SlidingWindow, maxStepTokens: 64).Logits([1, 5, 9, 2, 7])[0];
        return new Start(executor.MappedWeightBytes, logits, [.. log.Texts]);
    }

    private sealed record Start(long MappedBytes, float[] Logits, IReadOnlyList<string> Log);
}
