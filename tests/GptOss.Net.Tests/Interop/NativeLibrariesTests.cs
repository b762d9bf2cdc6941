using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

public sealed class NativeLibrariesTests
{
    static NativeLibrariesTests() => TorchRuntime.EnsureLoaded();

    [Fact]
    public void Loading_again_gives_what_is_loaded()
    {
        var first = NativeLibraries.EnsureLoaded();

        NativeLibraries.EnsureLoaded().Should().BeSameAs(first);
        NativeLibraries.EnsureLoaded(first.LibTorchFolder).Should().BeSameAs(first);
    }

    [Fact]
    public void Many_threads_get_one_result()
    {
        var loaded = ParallelEnumerable.Range(0, 16).Select(_ => NativeLibraries.EnsureLoaded()).ToArray();

        loaded.Distinct().Should().ContainSingle();
    }

    [Fact]
    public void Another_folder_is_refused_once_libtorch_is_loaded()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(Path.Combine(folder.Path, LibTorchLocation.FileName("torch_cpu")), []);

        var load = () => NativeLibraries.EnsureLoaded(folder.Path);

        load.Should().Throw<NativeLibraryException>().WithMessage($"*asked for from '{folder.Path}'*has loaded it from*");
    }

    [Fact]
    public void The_failure_text_says_what_where_why_and_what_to_add()
    {
        var location = new LibTorchLocation(null, null, [], ["/app/one", "/app/two"]);

        var text = LoadFailure.Describe(location, new DllNotFoundException("libfoo.so: cannot open shared object file"));

        text.Should().Contain("libtorch was not found")
            .And.Contain("/app/one").And.Contain("/app/two")
            .And.Contain("libfoo.so: cannot open shared object file")
            .And.Contain("<PackageReference Include=\"libtorch-cpu-")
            .And.Contain("torch/lib");
    }
}
