using GptOss.Net.Execution;
using Microsoft.Extensions.Logging;

namespace GptOss.Net;

/// <summary>Everything that this assembly logs.</summary>
/// <remarks>
/// In one class: the generator writes the classes of an assembly that have such methods in any order, and a build with two of them would
/// not give the same bytes again.
/// </remarks>
internal static partial class Log
{
    // ---- the model's life ----
    [LoggerMessage(LogLevel.Error, "The model {Name} could not be loaded; it serves no requests.")]
    public static partial void ModelNotLoaded(this ILogger logger, Exception exception, string name);

    [LoggerMessage(
        LogLevel.Warning,
        "This program was compiled ahead of time for a processor without {Instructions}, which this one has: "
        + "on the CPU the model is many times slower than it could be. Publish with <IlcInstructionSet>native</IlcInstructionSet>, "
        + "or name the instruction sets of the processors to run on.")]
    public static partial void UnusedInstructions(this ILogger logger, string instructions);

    [LoggerMessage(
        LogLevel.Warning,
        "The GPUs have no room for the whole model: {Layers} of its {AllLayers} layers and the embedding lie on the CPU. "
        + "Each token reads {Bytes} of weights there, {Milliseconds:F0} ms where main memory gives 50 GB/s. "
        + "A smaller MaxModelLength or MaxSequences leaves more room on the GPUs; "
        + "PlacementOptions.AllowCpu = false refuses the model instead.")]
    public static partial void SharedWithCpu(this ILogger logger, int layers, int allLayers, string bytes, double milliseconds);

    [LoggerMessage(
        LogLevel.Information,
        "Up to {Sequences} sequences are generated at once, as MaxSequences says; the cache holds {Tokens:N0} tokens, {Each:N0} for each.")]
    public static partial void ConcurrentAsSet(this ILogger logger, int sequences, long tokens, long each);

    [LoggerMessage(
        LogLevel.Information,
        "Up to {Sequences} sequences are generated at once: MaxSequences is not set, and of the {Tokens:N0} tokens that the cache holds "
        + "each has {Each:N0}, an eighth of MaxModelLength; {Most} at most. Longer ones take what others leave; more wait.")]
    public static partial void Concurrent(this ILogger logger, int sequences, long tokens, int each, int most);

    [LoggerMessage(
        LogLevel.Warning,
        "{Path} has keys that are not known here and had no effect: {Keys}. Should they change the arithmetic, the logits are wrong.")]
    public static partial void UnknownKeys(this ILogger logger, string path, string keys);

    [LoggerMessage(LogLevel.Error, "The model's memory was not freed.")]
    public static partial void MemoryNotFreed(this ILogger logger, Exception exception);

    // ---- repacked weights ----
    [LoggerMessage(LogLevel.Information, "Mapped {Bytes} of repacked weights from {Path}, every byte verified, in {Seconds:F1} s.")]
    public static partial void RepackedWeightsMapped(this ILogger logger, string bytes, string path, double seconds);

    [LoggerMessage(
        LogLevel.Warning, "The repacked weights {Path} are not used ({Fault}): the checkpoint is read, and they are written again.")]
    public static partial void RepackedWeightsRefused(this ILogger logger, string path, RepackFault fault);

    [LoggerMessage(LogLevel.Information, "Kept {Bytes} of repacked weights in {Path}, in {Seconds:F1} s: the next start maps them.")]
    public static partial void RepackedWeightsKept(this ILogger logger, string bytes, string path, double seconds);

    [LoggerMessage(
        LogLevel.Warning,
        "Repacked weights are not kept in {Path}: {Reason} The model runs all the same; the next start reads the checkpoint again.")]
    public static partial void RepackedWeightsNotKept(this ILogger logger, string path, string reason);

    // ---- devices and their libraries ----
    [LoggerMessage(
        LogLevel.Warning,
        "{Cards} share every layer through main memory: one conversation is a little faster than on one card, but prompts "
        + "take twice as long. Without TensorParallel the layers lie one after the other, which a slow link serves better.")]
    public static partial void SlowGroup(this ILogger logger, string cards);

    [LoggerMessage(LogLevel.Information, "{From} sends directly to {To}, tested; {Speed:F1} GB/s for 4 MiB.")]
    public static partial void DirectTransfer(this ILogger logger, DeviceId from, DeviceId to, double speed);

    [LoggerMessage(LogLevel.Warning, "{From} sends to {To} through main memory, since {Problem}; {Speed:F1} GB/s for 4 MiB.")]
    public static partial void TransferThroughMemory(this ILogger logger, DeviceId from, DeviceId to, string problem, double speed);

    [LoggerMessage(
        LogLevel.Debug,
        "TorchSharp's native part asks for {Version}, which this system lacks and nothing uses: loaded the adapted copy {Copy}.")]
    public static partial void LibraryAdapted(this ILogger logger, string version, string copy);

    [LoggerMessage(LogLevel.Debug, "An adapted library cannot be kept or run in a place; the next one is tried.")]
    public static partial void PlaceUnusable(this ILogger logger, Exception exception);

    // ---- steps ----
    [LoggerMessage(LogLevel.Error, "A step of the model failed.")]
    public static partial void StepFailed(this ILogger logger, Exception exception);

    [LoggerMessage(
        LogLevel.Warning,
        "Steps take {Ratio:F0} times as long as the fastest of their size: other work may have the processors. On a CPU, fewer threads "
        + "(CpuOptions.Threads) wait less for each other.")]
    public static partial void StepsSlow(this ILogger logger, double ratio);

    [LoggerMessage(LogLevel.Critical, "The engine stopped.")]
    public static partial void EngineStopped(this ILogger logger, Exception exception);

    [LoggerMessage(LogLevel.Error, "A listener of the model's telemetry failed. Later failures are not logged.")]
    public static partial void ListenerFailed(this ILogger logger, Exception exception);

    // ---- requests ----
    [LoggerMessage(LogLevel.Warning, "A {Tool} is ignored: the model can call functions only.")]
    public static partial void ToolIgnored(this ILogger logger, string tool);

    [LoggerMessage(LogLevel.Warning, "Not enforced: {Omission}")]
    public static partial void NotEnforced(this ILogger logger, string omission);
}
