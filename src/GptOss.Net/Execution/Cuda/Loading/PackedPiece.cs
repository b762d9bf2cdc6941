namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>The rows that a launch packs.</summary>
/// <param name="First">The first among those that the device has of the matrix.</param>
/// <param name="Count">How many, padding included.</param>
/// <param name="Skipped">The packed rows of what was read that come before them.</param>
internal readonly record struct PackedPiece(int First, int Count, int Skipped);
