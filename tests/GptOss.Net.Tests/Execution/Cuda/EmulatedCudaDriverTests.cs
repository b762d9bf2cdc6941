using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>What tests of kernels and of the executor stand on: launches, graphs, memory, and wrong barriers that show.</summary>
public sealed class EmulatedCudaDriverTests
{
    private const string Text = """
        struct ScaleParameters { float* values; int count; float factor; };
        extern "C" __global__ void scale(const __grid_constant__ ScaleParameters p) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < p.count) p.values[i] *= p.factor;
        }
        extern "C" __global__ void reverse(const __grid_constant__ ScaleParameters p) {   // no barrier: wrong on purpose
            __shared__ float s[64];
            s[threadIdx.x] = p.values[threadIdx.x];
            p.values[threadIdx.x] = s[63 - threadIdx.x];
        }
        EMULATE_KERNEL(scale)
        EMULATE_KERNEL(reverse)
        """;

    [Fact]
    public unsafe void A_graph_repeats_what_was_recorded()
    {
        using var driver = new EmulatedCudaDriver();
        using var kernels = Load(driver);
        var values = driver.Allocate(3 * sizeof(float));
        new float[] { 1, 2, 3 }.CopyTo(new Span<float>((void*)values, 3));
        driver.BeginCapture(0);
        Scale(new KernelStream(driver, 0, IsDependent: true), kernels.Find("scale"), values, 3);
        var graph = driver.EndCapture(0);

        driver.LaunchGraph(graph, 0);
        driver.LaunchGraph(graph, 0);

        new Span<float>((void*)values, 3).ToArray().Should().Equal(4, 8, 12);
        driver.DestroyGraph(graph);
        driver.Free(values);
        driver.AllocatedBytes.Should().Be(0);
    }

    [Fact]
    public unsafe void A_missing_barrier_shows_in_some_order_of_turns()
    {
        var right = EmulatedCudaDriver.TurnOrders.Count(order =>
        {
            using var driver = new EmulatedCudaDriver(order);
            using var kernels = Load(driver);
            var values = driver.Allocate(64 * sizeof(float));
            var span = new Span<float>((void*)values, 64);
            for (var i = 0; i < 64; i++)
            {
                span[i] = i;
            }

            new KernelStream(driver, 0, IsDependent: false)
                .Launch(kernels.Find("reverse"), (1, 1, 1), 64, 0, new Parameters(values, 64, 1));
            var isRight = span.ToArray().SequenceEqual(Enumerable.Range(0, 64).Select(i => 63f - i));
            driver.Free(values);
            return isRight;
        });

        right.Should().BeLessThan(3);
    }

    [Fact]
    public void A_missing_kernel_and_a_faulty_text_are_named()
    {
        using var driver = new EmulatedCudaDriver();
        using var kernels = Load(driver);

        kernels.Invoking(known => known.Find("absent")).Should().Throw<CudaException>().WithMessage("*absent*");
        var compiler = new EmulatedKernelCompiler();
        compiler.Invoking(gcc => gcc.Compile(new KernelSource("broken", "int f() { return x; }")))
            .Should().Throw<CudaException>().Which.Log.Should().Contain("was not declared");
    }

    [Fact]
    public unsafe void A_device_goes_on_when_the_others_event_has_happened_however_late_that_one_is()
    {
        var machine = new EmulatedMachine(2) { Late = 0 };
        var (first, second) = (machine.Devices[0], machine.Devices[1]);
        var (from, to, done) = (first.Allocate(4), second.Allocate(4), first.CreateEvent());
        second.TryReach(first).Should().BeTrue();

        first.Fill(from, 7, 4, stream: 0);
        first.RecordEvent(done, stream: 0);
        second.WaitEvent(0, done);
        second.Copy(to, from, 4, stream: 0);

        (*(int*)to).Should().NotBe(0x07070707, "the host has not waited yet");
        second.SynchronizeStream(0);
        (*(int*)to).Should().Be(0x07070707);
    }

    [Fact]
    public unsafe void Without_an_event_a_late_device_has_not_done_its_work()
    {
        var machine = new EmulatedMachine(2) { Late = 0 };
        var (first, second) = (machine.Devices[0], machine.Devices[1]);
        var (from, to) = (first.Allocate(4), second.Allocate(4));
        second.TryReach(first).Should().BeTrue();

        first.Fill(from, 7, 4, stream: 0);
        second.Copy(to, from, 4, stream: 0);
        second.SynchronizeStream(0);

        (*(int*)to).Should().NotBe(0x07070707);
    }

    [Theory]
    [InlineData(LinkFault.Zeros, 0)]
    [InlineData(LinkFault.Stale, unchecked((int)0xCDCDCDCD))]
    [InlineData(LinkFault.HalfWord, unchecked((int)0xCDCD0707))]
    internal unsafe void A_link_can_lie(LinkFault fault, int arrives)
    {
        var machine = new EmulatedMachine(2) { Fault = fault };
        var (first, second) = (machine.Devices[0], machine.Devices[1]);
        var (from, to) = (first.Allocate(4), second.Allocate(4));
        first.TryReach(second).Should().BeTrue();
        first.Fill(from, 7, 4, stream: 0);
        first.Copy(to, from, 4, stream: 0);

        first.SynchronizeStream(0);

        (*(int*)to).Should().Be(arrives);
    }

    [Fact]
    public void Memory_of_another_device_is_reached_only_where_that_was_asked_for()
    {
        var machine = new EmulatedMachine(2);
        var (from, to) = (machine.Devices[0].Allocate(4), machine.Devices[1].Allocate(4));

        machine.Devices[0].Invoking(device => device.Copy(to, from, 4, stream: 0)).Should().Throw<CudaException>();
        new EmulatedMachine(2) { HasPeerAccess = false }.Devices[0].TryReach(machine.Devices[1]).Should().BeFalse();
    }

    [Fact]
    public void A_device_that_hangs_never_tells_and_a_full_one_refuses()
    {
        using var driver = new EmulatedCudaDriver { MemoryBytes = 100 };
        var done = driver.CreateEvent();
        driver.RecordEvent(done, stream: 0);
        driver.HasHappened(done).Should().BeTrue();

        driver.IsHung = true;

        driver.HasHappened(done).Should().BeFalse();
        driver.Invoking(full => full.Allocate(101)).Should().Throw<CudaException>().Which.IsOutOfMemory.Should().BeTrue();
    }

    [Fact]
    public void A_device_that_hangs_takes_the_threads_of_its_streams_along_when_it_is_disposed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads the names of threads in /proc.");
        var device = new EmulatedMachine(1) { IsConcurrent = true }.Devices[0];
        var (stream, recorded) = (device.CreateStream(), device.CreateEvent());
        device.RecordEvent(recorded, stream);
        device.SynchronizeEvent(recorded);
        ThreadNames().Should().Contain($"stream {stream}");

        device.IsHung = true;
        device.RecordEvent(recorded, stream);
        device.Dispose();

        SpinWait.SpinUntil(() => !ThreadNames().Contains($"stream {stream}"), TimeSpan.FromSeconds(30)).Should().BeTrue();
    }

    private static List<string> ThreadNames()
    {
        var names = new List<string>();
        foreach (var thread in Directory.GetDirectories("/proc/self/task"))
        {
            try
            {
                names.Add(File.ReadAllText(Path.Combine(thread, "comm")).Trim());
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return names;
    }

    private static KernelLibrary Load(EmulatedCudaDriver driver)
    {
        EmulatedKernelCompiler.Require();
        return KernelLibrary.Load(
            driver, new EmulatedKernelCompiler(), EmulatedKernelCompiler.Cache, [new KernelSource("example", Text)], report: null,
            CancellationToken.None);
    }

    private static void Scale(KernelStream stream, nint function, nint values, int count) =>
        stream.Launch(function, (1, 1, 1), 32, 0, new Parameters(values, count, 2));

    private readonly record struct Parameters(nint Values, int Count, float Factor);
}
