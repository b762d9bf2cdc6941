using GptOss.Net.Hub;
using static GptOss.Net.Tests.Hub.HubServer;

namespace GptOss.Net.Tests.Hub;

/// <summary>Downloads from a server on this machine, with what goes wrong on real networks.</summary>
public sealed class ModelDownloadTests : IDisposable
{
    private const string Id = "owner/model";

    private readonly HubServer _server = new();
    private readonly TemporaryDirectory _cache = new();
    private readonly byte[] _weights = new byte[20 << 20];

    public ModelDownloadTests()
    {
        new Random(1).NextBytes(_weights);
        _server.Files["config.json"] = "{}"u8.ToArray();
        _server.Files["model.safetensors"] = _weights;
        _server.Files["README.md"] = new byte[5_000];
        _server.Files["original/model.safetensors"] = new byte[5_000];
        _server.Files["metal/model.bin"] = new byte[5_000];
    }

    public static TheoryData<string, int> PassingFaults => new()
    {
        { "cut at once", 0 }, { "cut in the middle", 1 }, { "500", 2 }, { "503 with Retry-After", 3 }, { "429 with Retry-After", 4 },
        { "silence", 5 },
        { "range ignored", 6 }, { "408", 7 },
    };

    private string Repository => Path.Combine(_cache.Path, "models--owner--model");

    private HubSettings Settings => new(_server.Address, _cache.Path, Token: "secret", IsOffline: false)
    {
        ReadTimeout = TimeSpan.FromSeconds(2),
        RetryDelay = TimeSpan.FromMilliseconds(1),
    };

    public void Dispose()
    {
        _server.Dispose();
        _cache.Dispose();
    }

    [Fact]
    public async Task What_loading_needs_lies_in_the_layout_that_all_tools_share()
    {
        var reports = new List<LoadProgress>();

        var snapshot = await RunAsync(reports.Add);

        snapshot.Should().Be(Path.Combine(Repository, "snapshots", Commit));
        Directory.GetFiles(snapshot).Select(Path.GetFileName).Should().BeEquivalentTo("config.json", "model.safetensors");
        new FileInfo(Path.Combine(snapshot, "model.safetensors")).LinkTarget.Should().Be(Path.Combine("..", "..", "blobs", Hash(_weights)));
        File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")).Should().Equal(_weights);
        File.ReadAllText(Path.Combine(Repository, "refs", "main")).Should().Be(Commit);
        Directory.GetFiles(Path.Combine(Repository, "blobs")).Should().HaveCount(2);
        reports[0].Should().Be(new LoadProgress(0, _weights.Length + 2) { Stage = LoadStage.Downloading, TotalFiles = 2 });
        reports[^1].Should().Be(
            new LoadProgress(_weights.Length + 2, _weights.Length + 2)
            {
                Stage = LoadStage.Downloading,
                FinishedFiles = 2,
                TotalFiles = 2,
            });
    }

    [Theory]
    [MemberData(nameof(PassingFaults))]
    public async Task What_passes_is_tried_again(string name, int kind)
    {
        var seen = 0;
        Fault[] faults =
        [
            new() { CutAt = 0 }, new() { CutAt = 1_000_000 }, new() { Status = 500 },
            new() { Status = 503, Headers = "Retry-After: 0\r\n" },
            new() { Status = 429, Headers = "Retry-After: 0\r\n" }, new() { Silence = TimeSpan.FromSeconds(10) },
            new() { IgnoresRange = true }, new() { Status = 408 },
        ];
        _server.Faults = (_, path) => path.Contains("model.safetensors", StringComparison.Ordinal) && seen++ < 2 ? faults[kind] : null;

        var snapshot = await RunAsync();

        File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")).Should().Equal(_weights, name);
        seen.Should().BeGreaterThanOrEqualTo(3);
    }

    [Theory]
    [InlineData(401, "*does not accept the access token*HF_TOKEN*")]
    [InlineData(403, "*is gated*accept its terms*")]
    [InlineData(404, "*has no 'owner/model' at revision*")]
    [InlineData(416, "*is shorter than the hub's list says*")]
    [InlineData(400, "*answered 400*")]
    public async Task What_does_not_pass_is_one_clear_error_at_once(int status, string message)
    {
        _server.Faults = (_, path) => path.Contains("model.safetensors", StringComparison.Ordinal) ? new Fault { Status = status } : null;

        await RunFails(message);

        _server.Requests.Count(request => request.Path.Contains("model.safetensors", StringComparison.Ordinal)).Should().BeLessThan(7);
        File.Exists(Path.Combine(Repository, "refs", "main")).Should().BeFalse();
    }

    [Fact]
    public async Task A_server_that_stays_broken_is_an_error_that_keeps_what_came()
    {
        _server.Faults = (_, path) => path.Contains("model.safetensors", StringComparison.Ordinal) ? new Fault { Status = 502 } : null;

        await RunFails("*model.safetensors: the hub answered 502*6 times*load again*");
    }

    [Fact]
    public async Task A_wrong_hash_leaves_no_file()
    {
        _server.Faults = (_, path) => path.Contains("model.safetensors", StringComparison.Ordinal) ? new Fault { Corrupts = true } : null;

        await RunFails($"*arrived damaged*the hub lists {Hash(_weights)}*");

        Directory.GetFiles(Path.Combine(Repository, "blobs"), Hash(_weights) + "*").Should().BeEmpty();
        File.Exists(Path.Combine(Repository, "snapshots", Commit, "model.safetensors")).Should().BeFalse();
    }

    [Fact]
    public async Task A_file_of_another_length_is_refused()
    {
        _server.Faults = (_, path) =>
            path.Contains("model.safetensors", StringComparison.Ordinal) ? new Fault { ClaimedLength = _weights.Length + 7 } : null;

        await RunFails("*has 20,971,527 bytes on the server*20,971,520 bytes*load again*");
    }

    [Theory]
    [InlineData("not JSON")]
    [InlineData("""{"siblings":[]}""")]
    [InlineData("""{"sha":"../../x","siblings":[]}""")]
    [InlineData("[]")]
    public async Task A_list_that_is_none_is_refused(string body)
    {
        _server.Faults = (_, path) => path.StartsWith("/api", StringComparison.Ordinal) ? new Fault { Body = body } : null;

        await RunFails("*did not answer with the list*");
    }

    [Fact]
    public async Task A_path_that_leads_out_of_the_snapshot_is_passed_over()
    {
        _server.Files["../../evil.safetensors"] = new byte[2_000];
        _server.Files["..\\evil.safetensors"] = new byte[2_000];

        var snapshot = await RunAsync();

        Directory.GetFiles(_cache.Path, "evil*", SearchOption.AllDirectories).Should().BeEmpty();
        Directory.GetFiles(snapshot).Should().HaveCount(2);
    }

    [Fact]
    public async Task What_was_begun_is_resumed_and_what_is_there_is_not_fetched()
    {
        using (var stopping = new CancellationTokenSource())
        {
            var run = () => RunAsync(load => { if (load.ReadBytes > 8_000_000) { stopping.Cancel(); } }, stopping.Token);
            await run.Should().ThrowAsync<OperationCanceledException>();
        }

        var begun = new FileInfo(Path.Combine(Repository, "blobs", Hash(_weights) + ".incomplete")).Length;
        begun.Should().BePositive();
        _server.Requests.Clear();

        await RunAsync();
        _server.Requests.Where(request => request.Range is not null)
            .Select(request => long.Parse(request.Range!["bytes=".Length..].Split('-')[0], null))
            .Min().Should().Be(begun);
        _server.Requests.Clear();

        await RunAsync();
        _server.Requests.Should().ContainSingle("only the list is asked for again");
    }

    [Fact]
    public async Task A_wrong_beginning_of_an_earlier_run_is_fetched_anew()
    {
        var blobs = Directory.CreateDirectory(Path.Combine(Repository, "blobs")).FullName;
        File.WriteAllBytes(Path.Combine(blobs, Hash(_weights) + ".incomplete"), new byte[1_000_000]);

        var snapshot = await RunAsync();

        File.ReadAllBytes(Path.Combine(snapshot, "model.safetensors")).Should().Equal(_weights);
    }

    [Fact]
    public async Task Two_at_once_fetch_a_file_once()
    {
        await Task.WhenAll(RunAsync(), RunAsync());

        _server.SentBytes.Should().BeLessThan(_weights.Length + 10_000);
    }

    [Fact]
    public async Task The_token_does_not_reach_another_host()
    {
        using var other = new HubServer();
        other.Files["model.safetensors"] = _weights;
        _server.Faults = (_, path) => path.Contains("model.safetensors", StringComparison.Ordinal)
            ? new Fault
            {
                Status = 302,
                Headers = $"Location: {other.Address}xet/{Commit}/model.safetensors?signature=1\r\nX-Xet-Hash: 1\r\n",
            }
            : null;

        await RunAsync();

        _server.Requests.Should().OnlyContain(request => request.Authorization == "Bearer secret");
        other.Requests.Should().NotBeEmpty().And.OnlyContain(request => request.Authorization == null);
    }

    [Fact]
    public async Task Redirects_in_a_circle_end()
    {
        _server.Faults = (_, path) => path.Contains("model.safetensors", StringComparison.Ordinal)
            ? new Fault { Status = 307, Headers = $"Location: {path}\r\n" } : null;

        await RunFails("*which is not followed*");
    }

    [Fact]
    public async Task A_hub_that_is_not_there_is_one_clear_error()
    {
        _server.Dispose();

        await RunFails("owner/model:*6 times*");
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_one_clear_error()
    {
        File.WriteAllText(Repository, "a file, not a folder");

        await RunFails("*cannot be written to*HF_HUB_CACHE*");
    }

    [Fact]
    public async Task A_repository_without_weights_says_what_it_has()
    {
        _server.Files.Remove("model.safetensors");

        await RunFails("*has no config.json with safetensors weights*README.md*");
    }

    [Fact]
    public async Task The_GGUF_model_of_a_repository_is_fetched_with_all_its_parts()
    {
        _server.Files.Remove("model.safetensors");
        foreach (var part in new[] { "gpt-oss-00001-of-00002.gguf", "gpt-oss-00002-of-00002.gguf" })
        {
            _server.Files[part] = new byte[3_000];
        }

        var snapshot = await RunAsync();

        Directory.GetFiles(snapshot).Select(Path.GetFileName).Should()
            .BeEquivalentTo("gpt-oss-00001-of-00002.gguf", "gpt-oss-00002-of-00002.gguf");
    }

    [Fact]
    public async Task A_repository_of_several_GGUF_models_asks_for_one()
    {
        _server.Files.Remove("model.safetensors");
        _server.Files["gpt-oss-Q4_0.gguf"] = new byte[3_000];
        _server.Files["gpt-oss-Q8_0.gguf"] = new byte[3_000];

        await RunFails("*several GGUF models: gpt-oss-Q4_0, gpt-oss-Q8_0*");
    }

    [Fact]
    public async Task A_model_is_loaded_by_its_id_after_consent_and_then_without_the_network()
    {
        _server.Files.Clear();
        foreach (var name in new[] { "config.json", "model.safetensors" })
        {
            _server.Files[name] = File.ReadAllBytes(Path.Combine(Fixtures.ModelDirectory("a"), name));
        }

        var refused = () => ModelSource.ResolveAsync(Id, new GptOssModelOptions(), Settings, null, TestContext.Current.CancellationToken);
        (await refused.Should().ThrowAsync<CheckpointException>()).WithMessage("*AllowDownload = true*");
        _server.Requests.Should().BeEmpty();

        var offline = () => ModelSource.ResolveAsync(
            Id, new GptOssModelOptions { AllowDownload = true }, Settings with { IsOffline = true }, null,
            TestContext.Current.CancellationToken);
        await offline.Should().ThrowAsync<CheckpointException>();
        _server.Requests.Should().BeEmpty();

        var options = new GptOssModelOptions { AllowDownload = true };
        var path = await ModelSource.ResolveAsync(Id, options, Settings, null, TestContext.Current.CancellationToken);
        await using (var model =
            await GptOssModel.LoadAsync(path, options with { MaxModelLength = 64 }, null, TestContext.Current.CancellationToken))
        {
            (await model.Ids([1, 2, 3], Generations.Greedy(3))).Should().HaveCount(3);
        }

        _server.Requests.Clear();
        (await ModelSource.ResolveAsync(Id, options, Settings, null, TestContext.Current.CancellationToken)).Should().Be(path);
        _server.Requests.Should().BeEmpty();
    }

    [Fact]
    public void Settings_are_those_that_all_tools_read()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HF_HOME"] = _cache.Path,
            ["HF_ENDPOINT"] = "https://mirror.example/hf/",
            ["HF_HUB_OFFLINE"] = "1",
        };
        _cache.Write("token", "  abc\n"u8);

        var settings = HubSettings.Read(null, variables.GetValueOrDefault);

        settings.Should().Be(
            new HubSettings(new Uri("https://mirror.example/hf/"), Path.Combine(_cache.Path, "hub"), "abc", IsOffline: true)
            {
                RepackCacheDirectory = Path.Combine(_cache.Path, "assets", "GptOss.Net", "repacked"),
            });
        HubSettings.Read(null, name => name == "HF_ASSETS_CACHE" ? "/assets" : null).RepackCacheDirectory
            .Should().Be(Path.Combine("/assets", "GptOss.Net", "repacked"));
        HubSettings.Read("/given", variables.GetValueOrDefault).CacheDirectory.Should().Be("/given");
        FluentActions.Invoking(() => HubSettings.Read(null, name => name == "HF_ENDPOINT" ? "ftp:x" : null)).Should()
            .Throw<ModelDownloadException>();
    }

    private async Task<string> RunAsync(Action<LoadProgress>? report = null, CancellationToken? cancellationToken = null)
    {
        using var client = new HubClient(Settings, TimeProvider.System);
        return await new ModelDownload(client, Settings, Id, "main").RunAsync(
            report ?? (_ => { }), cancellationToken ?? TestContext.Current.CancellationToken);
    }

    private async Task RunFails(string message) =>
        (await FluentActions.Awaiting(() => RunAsync()).Should().ThrowAsync<ModelDownloadException>()).WithMessage(message);
}
