namespace GptOss.Net.Placement;

/// <summary>A number of the options on which the needed memory hangs.</summary>
/// <param name="Name">The option.</param>
/// <param name="Value">Its value.</param>
/// <param name="Step">Advice is a multiple of it.</param>
/// <param name="With">The request with another value, which has its own settings.</param>
internal sealed record PlacementSetting(string Name, int Value, int Step, Func<int, PlacementRequest> With);
