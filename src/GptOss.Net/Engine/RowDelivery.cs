namespace GptOss.Net.Engine;

/// <summary>Rows of a step, and the request that they are for.</summary>
/// <param name="Request">Who wants them.</param>
/// <param name="FirstRow">The first of them.</param>
/// <param name="RowCount">How many there are.</param>
/// <param name="Leader">Whose prompt the request goes on from; <see langword="null"/> for one that computes its own.</param>
internal readonly record struct RowDelivery(EngineRequest Request, int FirstRow, int RowCount, EngineRequest? Leader = null);
