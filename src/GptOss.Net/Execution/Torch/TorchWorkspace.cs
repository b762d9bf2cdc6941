using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Torch;

/// <summary>The memory that the reference executor computes with, rounded up: each stage computes one step at a time.</summary>
internal static class TorchWorkspace
{
    /// <summary>How many rows of logits are computed at a time.</summary>
    public const int LogitsTile = 64;

    /// <summary>How many attention scores are computed at a time: 128 MiB of float32.</summary>
    public const long MaxScores = 32L << 20;

    /// <summary>
    /// How many values of a matrix are expanded at a time: 16 MiB of float32, which the C library's allocator still reuses
    /// where it would give larger blocks back to the system at once.
    /// </summary>
    public const long MaxTileElements = 4L << 20;

    // Library handles and kernels that libtorch keeps on a device.
    private const long Libraries = 512L << 20;

    public static WorkspaceEstimate Estimate(ModelConfig config, int maxStepTokens)
    {
        // A matrix that is expanded for the moment of use: its bytes as indices (int32), its values twice.
        var expanded = MaxTileElements * ((2 * sizeof(float)) + 2);

        // Scores, with the sinks, after the softmax, and rounded.
        var scores = 3 * sizeof(float) * MaxScores;
        var widest = Math.Max(config.HiddenSize, Math.Max(config.QuerySize, 2 * config.IntermediateSize));
        var activations = 16L * sizeof(float) * maxStepTokens * widest;

        // Hidden states between stages: of the step that is computed, of the one that waits, and on their way to the next stage.
        var handed = 3L * sizeof(float) * maxStepTokens * config.HiddenSize;
        var logits = 2L * sizeof(float) * LogitsTile * config.VocabularySize;
        return new WorkspaceEstimate(Libraries, logits) { PerStage = expanded + scores + activations + handed };
    }
}
