using GptOss.Net.Execution.Cuda.Compilation;
using GptOss.Net.Interop;
using GptOss.Net.Interop.Cuda;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>
/// From devices to an executor: compile or find the kernels, test them and the links, bring the weights there, test it all.
/// </summary>
/// <param name="config">The architecture; <see cref="CudaShape.WhyNot"/> has nothing against it.</param>
/// <param name="weights">The checkpoint's weights.</param>
/// <param name="capacity">Blocks of the cache in a layer of each kind.</param>
/// <param name="options">The sizes.</param>
/// <param name="progress">Told what was read; cancels.</param>
/// <param name="logger">Told how the cards reach each other.</param>
internal sealed class CudaExecutorLoader(
    ModelConfig config,
    ModelWeights weights,
    KVCacheCapacity capacity,
    CudaExecutorOptions options,
    WeightReadProgress progress,
    ILogger? logger = null)
{
    private const int LeastMajor = 8;

    private CudaShape _shape = new(config);
    private readonly CudaFormats _formats = CudaFormats.Of(weights, options.Precision);
    private readonly ILogger _logger = logger ?? NullLogger.Instance;

    /// <summary>Opens the devices of the parts and their compiler, and loads these.</summary>
    /// <param name="parts">What to compute; by default the whole model on the first device.</param>
    /// <param name="libTorchDirectory">Where the compiler may lie.</param>
    /// <exception cref="CudaException">A device, its driver or its compiler cannot do it.</exception>
    public CudaExecutor Load(IReadOnlyList<ModelPart>? parts, string? libTorchDirectory)
    {
        parts ??= [Whole(DeviceId.Cuda(0))];
        var nvrtc = Nvrtc.Load(NvrtcFiles.Candidates(LibTorchLocation.Find(libTorchDirectory, LibTorchLocation.ApplicationFolders())));
        var drivers = new List<ICudaDriver>();
        try
        {
            foreach (var device in Devices(parts))
            {
                drivers.Add(Open(device));
            }
        }
        catch
        {
            drivers.ForEach(driver => driver.Dispose());
            throw;
        }

        return Load(parts, drivers, driver => new NvrtcCompiler(nvrtc, driver.Properties), KernelCache.OfCurrentUser());
    }

    /// <summary>Compiles the kernels and loads some parts. When that fails or is cancelled, nothing stays allocated.</summary>
    /// <param name="parts">What to compute, consecutive.</param>
    /// <param name="drivers">The parts' devices, each once; the executor owns them from now on.</param>
    /// <param name="compiler">Makes what a driver loads.</param>
    /// <param name="cache">Where compiled kernels are kept.</param>
    public CudaExecutor Load(
        IReadOnlyList<ModelPart> parts, IReadOnlyList<ICudaDriver> drivers, Func<ICudaDriver, IKernelCompiler> compiler, KernelCache cache)
    {
        var cards = new List<CudaCard>();
        CudaExecutor? executor = null;
        _shape = new CudaShape(config, GroupSize(parts));
        try
        {
            foreach (var driver in drivers)
            {
                cards.Add(new CudaCard(driver, Kernels(driver, compiler(driver), cache)));
            }

            executor = _shape.Parts == 1 ? Create(parts, cards) : CreateGroup(parts[0], cards);
            if (options.TestsItself)
            {
                new ModelSelfTest(executor, config, capacity, options).Run();
            }

            return executor;
        }
        catch when (executor is not null)
        {
            executor.Dispose();
            throw;
        }
        catch
        {
            cards.ForEach(card => card.Dispose());
            foreach (var driver in drivers.Skip(cards.Count))
            {
                driver.Dispose();
            }

            throw;
        }
    }

    /// <summary>The whole model on one device.</summary>
    public ModelPart Whole(DeviceId device) => new([device], 0, config.LayerCount, Embeds: true, Unembeds: true);

    /// <summary>The devices of some parts, each once, in the order in which a step reaches them.</summary>
    private static IEnumerable<DeviceId> Devices(IReadOnlyList<ModelPart> parts) => parts.SelectMany(part => part.Devices).Distinct();

    /// <summary>Opens a device that can run the kernels.</summary>
    /// <param name="device">The device.</param>
    /// <param name="library">The driver's library; by default the system's.</param>
    /// <exception cref="CudaException">There is no usable driver, no such device, or it is too old.</exception>
    internal static CudaDriverDevice Open(DeviceId device, string? library = null)
    {
        var driver = CudaDriverDevice.Open(device, library);
        var capability = driver.Properties.ComputeCapability;
        if (capability.Major >= LeastMajor)
        {
            return driver;
        }

        driver.Dispose();
        throw new CudaException(
            $"{device} has compute capability {capability}; the CUDA kernels need {LeastMajor}.0 (Ampere) or newer. "
            + "Place the model on another device, or ask for Precision.Reference, which runs on libtorch.");
    }

    private CudaKernels Kernels(ICudaDriver driver, IKernelCompiler compiler, KernelCache cache)
    {
        var kernels = CudaKernels.Load(driver, compiler, cache, _shape, _formats, progress.Compiled, progress.CancellationToken);
        try
        {
            if (options.TestsItself)
            {
                kernels.Test(driver, _shape, _formats);
            }

            return kernels;
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
    }

    private CudaExecutor Create(IReadOnlyList<ModelPart> parts, List<CudaCard> cards)
    {
        CudaCard Card(ModelPart part) => cards.Single(card => card.Device == part.Device);
        var slots = CudaExecutor.StepsInFlight(cards.Count);
        var ways = Ways(parts, Card);
        var loaded = parts.Select(part => (Part: part, Weights: Weights(part, Card(part), CudaShare.Whole))).ToArray();
        progress.Complete();
        foreach (var card in cards)
        {
            card.Allocate(_shape, options, slots, unembeds: parts[^1].Unembeds && card == Card(parts[^1]));
        }

        return new CudaExecutor(
            cards,
            [.. loaded.Select(part => new CudaPart(Card(part.Part), part.Part, _shape, part.Weights, capacity, slots))],
            (from, to) => ways.GetValueOrDefault((from.Device, to.Device)),
            _shape,
            options);
    }

    private CudaWeights Weights(ModelPart part, CudaCard card, CudaShare share) =>
        new CudaWeightLoader(card.Driver, card.Memory, card.Kernels.Pack, _shape, share, _formats, weights, progress)
            .Load(part.FirstLayer, part.LayerCount, part.Embeds, part.Unembeds, options.MaxModelLength);

    /// <summary>How many cards share every layer.</summary>
    private int GroupSize(IReadOnlyList<ModelPart> parts)
    {
        var size = parts.Max(part => part.Devices.Count);
        if (size > 1 && (size is not (2 or CudaBackend.MostCards) || parts.Count > 1 || config.KVHeadCount % size != 0))
        {
            throw new CudaException(
                $"The CUDA kernels share layers among 2 or {CudaBackend.MostCards} cards, which then hold the whole model and the same "
                + $"part of its {config.KVHeadCount} KV heads each; the placement has {parts.Count} parts, of up to {size} cards. "
                + "Set PlacementOptions.TensorParallel to 1 to lay layers on one card each.");
        }

        return size;
    }

    /// <summary>The whole model, every layer of it shared among the cards.</summary>
    private CudaExecutor CreateGroup(ModelPart part, List<CudaCard> cards)
    {
        var isDirect = !options.AvoidsPeerAccess
            && cards.All(from => cards.Where(to => to != from).All(to => Way(from, to) == LinkWay.Peer));
        if (!isDirect)
        {
            _logger.SlowGroup(string.Join(", ", cards.Select(card => card.Device)));
        }

        var loaded = cards.Select((card, i) => Weights(part, card, new CudaShare(i, cards.Count))).ToArray();
        progress.Complete();
        var slots = CudaExecutor.StepsInFlight(stages: 1);
        cards.ForEach(card => card.Allocate(_shape, options, slots, unembeds: true));
        return new CudaExecutor(
            cards,
            [new CudaGroup(cards, part, _shape, loaded, capacity, options, slots, isDirect)],
            (_, _) => throw new InvalidOperationException("A group has no links to other cards."),
            _shape,
            options);
    }

    /// <summary>Tests the links between parts that follow each other, and from the last to the first, which gets the tokens.</summary>
    private Dictionary<(DeviceId From, DeviceId To), LinkWay> Ways(IReadOnlyList<ModelPart> parts, Func<ModelPart, CudaCard> card)
    {
        var ways = new Dictionary<(DeviceId, DeviceId), LinkWay>();
        for (var i = 0; i < parts.Count; i++)
        {
            var (from, to) = (card(parts[i]), card(parts[(i + 1) % parts.Count]));
            if (from == to || ways.ContainsKey((from.Device, to.Device)))
            {
                continue;
            }

            ways.Add((from.Device, to.Device), Way(from, to));
        }

        return ways;
    }

    private LinkWay Way(CudaCard from, CudaCard to)
    {
        var report = LinkSelfTest.Run(from, to, options.Patience, mayBeDirect: !options.AvoidsPeerAccess);
        if (report.Problem is null)
        {
            _logger.DirectTransfer(report.From, report.To, report.GigabytesPerSecond);
        }
        else
        {
            _logger.TransferThroughMemory(report.From, report.To, report.Problem, report.GigabytesPerSecond);
        }

        return report.Way;
    }
}
