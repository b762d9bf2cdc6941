using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>
/// Drivers, cards and compilers that cannot be used, each a library of its own that stands in: one clear error, and no crash.
/// </summary>
public sealed class UnusableDriverTests : IDisposable
{
    private const string Functions =
        """
        cuDriverGetVersion cuDeviceGet cuDevicePrimaryCtxRetain cuDevicePrimaryCtxRelease_v2 cuCtxSetCurrent cuDeviceCanAccessPeer
        cuCtxEnablePeerAccess cuModuleLoadData cuModuleUnload cuModuleGetFunction cuFuncSetAttribute cuFuncGetAttribute cuMemGetInfo_v2
        cuMemAlloc_v2 cuMemFree_v2 cuMemHostAlloc cuMemFreeHost cuMemcpyAsync cuMemsetD8Async cuStreamCreate cuStreamDestroy_v2
        cuStreamSynchronize cuStreamWaitEvent cuEventCreate cuEventDestroy_v2 cuEventRecord cuEventQuery cuEventSynchronize
        cuEventElapsedTime cuStreamBeginCapture_v2 cuStreamEndCapture cuGraphInstantiateWithFlags cuGraphDestroy cuGraphExecDestroy
        cuGraphLaunch cuGetErrorString
        """;

    private const string Rest =
        """
        extern "C" int cuGetErrorName(int, const char** name) { *name = "CUDA_ERROR_STAND_IN"; return 0; }
        extern "C" int cuDeviceGetAttribute(int* value, int attribute, int) { *value = attribute == 75 ? 7 : 5; return 0; }
        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_driver_that_is_not_there_is_named()
    {
        var open = () => CudaExecutorLoader.Open(DeviceId.Cuda(0), _directory.File("libcuda.so.1"));

        open.Should().Throw<CudaException>().WithMessage("No NVIDIA driver is installed:*libcuda.so.1*on the CPU.");
    }

    [Fact]
    public void A_driver_too_old_to_have_a_function_says_which_one_to_install()
    {
        var driver = Driver("old", "extern \"C\" int cuInit(unsigned) { return 0; }");

        var open = () => CudaExecutorLoader.Open(DeviceId.Cuda(0), driver);

        open.Should().Throw<CudaException>().WithMessage("*too old*cuLaunchKernelEx*525 or newer*");
    }

    [Fact]
    public void A_driver_that_does_not_start_is_told_with_its_call_and_its_reason()
    {
        var driver = Driver(
            "broken", "extern \"C\" int cuInit(unsigned) { return 803; } extern \"C\" int cuLaunchKernelEx() { return 0; }");

        var open = () => CudaExecutorLoader.Open(DeviceId.Cuda(1), driver);

        open.Should().Throw<CudaException>().WithMessage("cuInit on cuda:1 failed: CUDA_ERROR_STAND_IN*(803).").Which.Code.Should().Be(803);
    }

    [Fact]
    public void A_card_before_Ampere_is_refused_with_what_to_do()
    {
        var driver = Driver(
            "turing", "extern \"C\" int cuInit(unsigned) { return 0; } extern \"C\" int cuLaunchKernelEx() { return 0; }");

        var open = () => CudaExecutorLoader.Open(DeviceId.Cuda(0), driver);

        open.Should().Throw<CudaException>().WithMessage("cuda:0 has compute capability 7.5*8.0 (Ampere)*Precision.Reference*");
    }

    [Fact]
    public void Without_a_compiler_the_places_are_named_where_it_was_looked_for()
    {
        var load = () => Nvrtc.Load([_directory.File("libnvrtc.so.12"), _directory.File("libnvrtc.so.13")]);

        load.Should().Throw<CudaException>().WithMessage("NVRTC*was not found*LibTorchDirectory*libnvrtc.so.12*libnvrtc.so.13*");
    }

    [Fact]
    public void A_compiler_too_old_to_have_a_function_is_named()
    {
        var old = Library("libnvrtc.so.10", "extern \"C\" int nvrtcCreateProgram() { return 0; }");

        var load = () => Nvrtc.Load([old]);

        load.Should().Throw<CudaException>().WithMessage("NVRTC*must be of CUDA 12 or newer*libnvrtc.so.10*");
    }

    private string Driver(string name, string text) => Library($"lib{name}.so", string.Join(
        '\n',
        Functions.Split((char[])[' ', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(function => $"extern \"C\" int {function}() {{ return 0; }}")
            .Append(Rest).Append(text)));

    private string Library(string name, string text)
    {
        EmulatedKernelCompiler.Require();
        var file = _directory.File(name);
        File.WriteAllBytes(file, new EmulatedKernelCompiler().Compile(new KernelSource(name, text)));
        return file;
    }
}
