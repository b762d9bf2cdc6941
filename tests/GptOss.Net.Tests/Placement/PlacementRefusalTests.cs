using GptOss.Net.Placement;
using static GptOss.Net.Tests.Placement.PlacementScenario;

namespace GptOss.Net.Tests.Placement;

public class PlacementRefusalTests
{
    [Fact]
    public void A_context_that_is_too_long_is_refused_with_lengths_and_counts_that_fit()
    {
        PlacementRequest request = Real(WeightFormats.AsStored, Gpu(0, 24 * GiB));
        request = request with { KV = request.KV with { MaxSequences = 16 } };

        Refusal(request).Should().Be(
            "The model does not fit. cuda:0 (embedding, 0-23, unembedding) needs 26.17 GiB: weights 12.82 GiB, "
            + "keys and values of 16 × 32,768 tokens 12.10 GiB, workspace 1.25 GiB; but only 24.00 GiB is free. "
            + "It would fit with MaxModelLength of at most 26,832; or with MaxSequences of at most 13.");
    }

    [Fact]
    public void The_suggested_length_fits_and_the_next_one_does_not()
    {
        PlacementRequest request = Toy(0, [100, 100], 0, Gpu(0, 500));
        request = request with { KV = request.KV with { MaxModelLength = 1000 } };

        Refusal(request).Should().Contain("with MaxModelLength of at most 144");
        PlacementPlanner.Draft(request with { KV = request.KV with { MaxModelLength = 144 } }).Fits.Should().BeTrue();
        PlacementPlanner.Draft(request with { KV = request.KV with { MaxModelLength = 160 } }).Fits.Should().BeFalse();
    }

    [Fact]
    public void Weights_that_fit_nowhere_are_refused_without_advice_that_does_not_help() =>
        Refusal(Toy(0, [GiB, GiB], 0, Gpu(0, GiB))).Should().EndWith(
            "No shorter context and no other device of this machine is enough: the weights alone take 2.00 GiB.");

    [Fact]
    public void Another_GPU_is_suggested() =>
        Refusal(Toy(0, [100, 100], 0, Gpu(0, 150), Gpu(1, 150)) with
        {
            Options = new PlacementOptions { Devices = [DeviceId.Cuda(0)] },
        }).Should().EndWith("It would fit over cuda:0, cuda:1.");

    [Fact]
    public void The_cpu_is_suggested_and_never_taken() =>
        Refusal(Toy(0, [100, 100], 0, Gpu(0, 150), Cpu(1000))).Should().EndWith("It would fit on the cpu, which is slower.");

    [Fact]
    public void A_memory_limit_that_is_too_low_is_named() =>
        Refusal(Toy(0, [GiB], 0, Gpu(0, 3 * GiB)) with
        {
            Options = new PlacementOptions { MemoryLimits = new Dictionary<DeviceId, long> { [DeviceId.Cuda(0)] = GiB } },
        }).Should().Contain("but only 1.00 GiB is its memory limit.").And.EndWith("It would fit without the memory limit of cuda:0.");

    [Fact]
    public void A_placement_by_hand_that_does_not_fit_could_be_balanced() =>
        Refusal(Toy(0, [100, 100, 100], 0, Gpu(0, 250), Gpu(1, 250)) with
        {
            Options = new PlacementOptions
            {
                LayerDevices = [DeviceId.Cuda(0), DeviceId.Cuda(0), DeviceId.Cuda(0)],
                UnembeddingDevice = DeviceId.Cuda(1),
            },
        }).Should().EndWith("It would fit balanced over cuda:0, cuda:1 instead of placed by hand.");

    [Fact]
    public void A_device_that_is_not_there_is_named_with_those_that_are() =>
        Refusal(Toy(0, [100], 0, Cpu(1000)) with
        {
            Options = new PlacementOptions { Devices = [DeviceId.Cuda(3)] },
            Problems = ["No CUDA devices: there is no NVIDIA driver."],
        }).Should().Be("There is no device cuda:3. This machine has cpu (CPU). No CUDA devices: there is no NVIDIA driver.");

    [Fact]
    public void Contradicting_options_are_the_callers_mistake()
    {
        Mistake(new PlacementOptions { Devices = [DeviceId.Cpu], LayerDevices = [DeviceId.Cpu, DeviceId.Cpu] })
            .Should().StartWith("Set Devices or LayerDevices, not both.");
        Mistake(new PlacementOptions { EmbeddingDevice = DeviceId.Cpu })
            .Should().StartWith("EmbeddingDevice and UnembeddingDevice are only for a placement by hand: set LayerDevices as well.");
        Mistake(new PlacementOptions { LayerDevices = [DeviceId.Cpu] })
            .Should().StartWith("LayerDevices has 1 entries, but the model has 2 layers.");
        Mistake(new PlacementOptions { Devices = [] })
            .Should().StartWith("Devices has 0 entries: 2 layers can use 1 to 2 devices.");
        Mistake(new PlacementOptions { MemoryLimits = new Dictionary<DeviceId, long> { [DeviceId.Cpu] = 0 } })
            .Should().StartWith("The memory limit of cpu is 0: it must be a positive number of bytes.");
    }

    [Fact]
    public void Steps_of_fewer_tokens_are_suggested()
    {
        PlacementRequest request = Toy(0, [100], 0, Gpu(0, 300)) with { Workspace = new WorkspaceEstimate(512, 0) };

        Refusal(request).Should().EndWith("It would fit with MaxStepTokens of at most 176.");
    }

    [Fact]
    public void Where_no_setting_is_enough_alone_all_are_suggested_together()
    {
        PlacementRequest request = Toy(0, [100], 0, Gpu(0, 300)) with { Workspace = new WorkspaceEstimate(512, 0) };
        request = request with { KV = request.KV with { MaxSequences = 8, MaxModelLength = 1024 } };

        Refusal(request).Should().EndWith("It would fit with MaxModelLength of at most 176, MaxSequences of 1 and MaxStepTokens of 16.");
    }

    [Fact]
    public void What_main_memory_keeps_for_the_process_is_told()
    {
        AvailableDevice memory = Cpu(3 * GiB) with { ReservedBytes = GiB };

        Refusal(Toy(0, [(2 * GiB) + 1], 0, memory)).Should()
            .Contain("but only 2.00 GiB of the 3.00 GiB that are free is for it (MemoryLimits can ask for more).");
        PlacementPlanner.Draft(Toy(0, [(2 * GiB) + 1], 0, memory) with
        {
            Options = new PlacementOptions { MemoryLimits = new Dictionary<DeviceId, long> { [DeviceId.Cpu] = 3 * GiB } },
        }).Fits.Should().BeTrue();
    }

    /// <summary>With settings that change the sequences, their length and, for the workspace, a byte for each token of a step.</summary>
    private static PlacementRequest Adjustable(PlacementRequest request) => request with
    {
        Settings =
        [
            new(
                "MaxModelLength", request.KV.MaxModelLength, 16,
                length => Adjustable(request with { KV = request.KV with { MaxModelLength = length } })),
            new(
                "MaxSequences", request.KV.MaxSequences, 1,
                count => Adjustable(request with { KV = request.KV with { MaxSequences = count } })),
            .. request.Workspace.PerDevice is > 0 and <= 1024
                ? [new PlacementSetting(
                    "MaxStepTokens",
                    (int)request.Workspace.PerDevice,
                    16,
                    tokens => Adjustable(request with { Workspace = new WorkspaceEstimate(tokens, 0) }))]
                : Array.Empty<PlacementSetting>(),
        ],
    };

    private static string Mistake(PlacementOptions options) =>
        FluentActions.Invoking(() => PlacementPlanner.Draft(Toy(0, [10, 10], 0, Cpu(1000)) with { Options = options }))
            .Should().Throw<ArgumentException>().Which.Message;

    private static string Refusal(PlacementRequest request) =>
        FluentActions.Invoking(() => PlacementPlanner.Plan(Adjustable(request))).Should().Throw<PlacementException>().Which.Message;
}
