using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net;

/// <summary>How a <see cref="GptOssModel"/> is loaded and how much it may do at once.</summary>
public sealed record GptOssModelOptions
{
    // Logits of so many tokens still fit an array, and a step does not get faster beyond.
    internal const int MostStepTokens = 8_192;

    /// <summary>
    /// Gets what the model is called in responses and telemetry. Default <see langword="null"/>: the last part of its path or id; of a
    /// folder in the Hugging Face cache, the repository's. Give two copies of a model in one process different names to tell them apart.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>Gets which layers go to which device. Default: spread over all CUDA devices, or the CPU if there are none.</summary>
    public PlacementOptions Placement { get; init; } = new();

    /// <summary>
    /// Gets in which form weights are held and how exactly the model computes. Default <see cref="Precision.Default"/>: int8 dense weights
    /// on the CPU, all weights as stored on a GPU. What the devices cannot do is refused with a <see cref="PlacementException"/>.
    /// </summary>
    public Precision Precision { get; init; }

    /// <summary>
    /// Gets the directories of LoRA adapters in PEFT's format, for attention, router, experts and output projection, which are added to the
    /// weights one after the other while they are read. Matrices that an adapter changes lose their packed form: those of experts then take
    /// 2 to 8 times their memory. Default: none.
    /// </summary>
    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <summary>Gets what layers that lie on the CPU may use of it.</summary>
    public CpuOptions Cpu { get; init; } = new();

    /// <summary>
    /// Gets the most tokens of one sequence, prompt and output together. Default <see langword="null"/>: 32,768, or less if
    /// the model was trained for less.
    /// </summary>
    public int? MaxModelLength { get; init; }

    /// <summary>
    /// Gets the most sequences that are generated at once; more wait. Each of several answers to one prompt counts. Default
    /// <see langword="null"/>: as many as have room in the cache for an eighth of <see cref="MaxModelLength"/> each, at most 64; the log
    /// and <see cref="PlacementPlan.MaxConcurrentSequences"/> say how many that are.
    /// </summary>
    public int? MaxSequences { get; init; }

    /// <summary>
    /// Gets how many requests may wait besides those that run. Default 1,024; more are refused with a <see cref="GptOssBusyException"/>.
    /// </summary>
    public int MaxWaitingRequests { get; init; } = 1_024;

    /// <summary>
    /// Gets a value indicating whether a prompt that begins like an earlier one begins with what was computed then. Default
    /// <see langword="true"/>; it changes no result and takes no memory that a sequence could use.
    /// </summary>
    public bool PrefixCaching { get; init; } = true;

    /// <summary>
    /// Gets the most tokens computed in one step, up to 8,192; longer prompts are computed in chunks. Default 512. With fewer than
    /// <see cref="MaxSequences"/> the sequences take turns.
    /// </summary>
    public int MaxStepTokens { get; init; } = 512;

    /// <summary>
    /// Gets how long a step should take at most: while a prompt is read, everybody else waits for it to their next token. From the
    /// measured speed follows how many tokens of prompts a step has, at least 16. A sequence that is alone gets twice the time, and at
    /// least 128 tokens. Default <see langword="null"/>: 100 ms for a model on the CPU, 50 ms with a GPU.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: steps of <see cref="MaxStepTokens"/>, which reads long prompts fastest.
    /// </summary>
    public TimeSpan? MaxStepTime { get; init; }

    /// <summary>
    /// Gets the folder <c>torch/lib</c> of a PyTorch install whose libtorch is to be used. Default <see langword="null"/>: the
    /// native package that the application references.
    /// </summary>
    public string? LibTorchDirectory { get; init; }

    /// <summary>
    /// Gets a value indicating whether a model that is given by its id and is not on this machine may be downloaded. Default
    /// <see langword="false"/>: the library never touches the network. The environment variable <c>HF_HUB_OFFLINE=1</c> forbids it all the
    /// same.
    /// </summary>
    public bool AllowDownload { get; init; }

    /// <summary>Gets the branch, tag or commit of a Hugging Face repository. Default <c>main</c>.</summary>
    public string Revision { get; init; } = "main";

    /// <summary>
    /// Gets where downloaded Hugging Face repositories lie. Default <see langword="null"/>: what <c>HF_HUB_CACHE</c> or <c>HF_HOME</c>
    /// name, else <c>.cache/huggingface/hub</c> in the user's folder, which all Hugging Face tools share.
    /// </summary>
    public string? HuggingFaceCacheDirectory { get; init; }

    /// <summary>
    /// Gets a value indicating whether weights on the CPU are kept as they lie in memory, so that the next start maps them instead of
    /// reading and packing the checkpoint. The file takes as much of the disk as the weights do of memory. It is written at the end of the
    /// first load, verified whole at each start, and written again when it, the checkpoint or an adapter has changed; where it cannot be,
    /// that is logged and the model runs all the same. While a model runs, nobody may write into the file or cut it off; it may be deleted.
    /// Default <see langword="false"/>.
    /// </summary>
    public bool RepackCache { get; init; }

    /// <summary>
    /// Gets the folder for <see cref="RepackCache"/>. Who can write there can change what models answer. Default <see langword="null"/>:
    /// <c>GptOss.Net/repacked</c> in the folder for what programs make of models, which <c>HF_ASSETS_CACHE</c> or <c>HF_HOME</c> name, else
    /// <c>.cache/huggingface/assets</c> in the user's folder.
    /// </summary>
    public string? RepackCacheDirectory { get; init; }

    /// <summary>
    /// Gets how reasoning is protected that conversations carry. Default <see cref="ReasoningProtection.OfThisProcess"/>; give all
    /// processes that go on with the same conversations the same one.
    /// </summary>
    public ReasoningProtection ReasoningProtection { get; init; } = ReasoningProtection.OfThisProcess;

    /// <summary>Gets where the model logs to. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>
    /// Gets what makes the meter, such as the one that a host's services have. Default <see langword="null"/>: the model makes its own.
    /// Either is called <see cref="GptOssTelemetry.MeterName"/>.
    /// </summary>
    public IMeterFactory? MeterFactory { get; init; }

    /// <summary>Gets the clock: the date in prompts, time stamps of responses. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Placement);
        if (!Enum.IsDefined(Precision))
        {
            throw new ArgumentOutOfRangeException(nameof(Precision), Precision, "There is no such precision.");
        }

        ArgumentNullException.ThrowIfNull(Adapters);
        ArgumentNullException.ThrowIfNull(Cpu);
        ArgumentOutOfRangeException.ThrowIfLessThan(Cpu.Threads ?? 1, 1, nameof(Cpu.Threads));
        ArgumentOutOfRangeException.ThrowIfLessThan(Cpu.LoadingThreads ?? 1, 1, nameof(Cpu.LoadingThreads));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxModelLength ?? 1, 1, nameof(MaxModelLength));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences ?? 1, 1, nameof(MaxSequences));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxWaitingRequests);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxStepTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxStepTokens, MostStepTokens);
        if (MaxStepTime != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxStepTime ?? TimeSpan.MaxValue, TimeSpan.Zero, nameof(MaxStepTime));
        }

        ArgumentException.ThrowIfNullOrWhiteSpace(Revision);
        ArgumentNullException.ThrowIfNull(ReasoningProtection);
        ArgumentNullException.ThrowIfNull(LoggerFactory);
        ArgumentNullException.ThrowIfNull(TimeProvider);
    }
}
