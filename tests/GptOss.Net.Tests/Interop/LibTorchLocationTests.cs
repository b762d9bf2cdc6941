using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

public sealed class LibTorchLocationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_application_s_own_files_are_found()
    {
        LibTorchFiles.Location.LibTorchFolder.Should().NotBeNull();
        LibTorchFiles.Location.LibTorchSharpFile.Should().NotBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData("torch")]
    [InlineData("torch/lib")]
    public void A_PyTorch_install_is_accepted_by_any_of_its_folders(string named)
    {
        var lib = PyTorchInstall();

        var location = LibTorchLocation.Find(Path.Combine(_folder.Path, named), []);

        location.LibTorchFolder.Should().Be(lib);
        location.CudaFolders.Should().Equal(Path.Combine(_folder.Path, "nvidia", "cu13", "lib"));
    }

    [Fact]
    public void A_folder_without_libtorch_is_named_in_the_message()
    {
        var find = () => LibTorchLocation.Find(_folder.Path, []);

        find.Should().Throw<NativeLibraryException>()
            .WithMessage($"The libtorch folder '{_folder.Path}' holds no {LibTorchLocation.FileName("torch_cpu")}*torch/lib*");
    }

    [Fact]
    public void Two_different_libtorch_are_refused()
    {
        PyTorchInstall();
        var own = Directory.CreateDirectory(Path.Combine(_folder.Path, "application")).FullName;
        File.WriteAllBytes(Path.Combine(own, LibTorchLocation.FileName("torch_cpu")), []);

        var find = () => LibTorchLocation.Find(_folder.Path, [own]);

        find.Should().Throw<NativeLibraryException>().WithMessage($"There are two libtorch*'{own}'*Remove the libtorch package*");
    }

    [Fact]
    public void Nothing_found_leaves_the_choice_to_the_loader()
    {
        var location = LibTorchLocation.Find(null, [_folder.Path]);

        location.LibTorchFolder.Should().BeNull();
        location.LibTorchSharpFile.Should().BeNull();
        location.Searched.Should().Equal(_folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    private string PyTorchInstall()
    {
        var lib = Directory.CreateDirectory(Path.Combine(_folder.Path, "torch", "lib")).FullName;
        Directory.CreateDirectory(Path.Combine(_folder.Path, "nvidia", "cu13", "lib"));
        File.WriteAllBytes(Path.Combine(lib, LibTorchLocation.FileName("torch_cpu")), []);
        return lib;
    }
}
