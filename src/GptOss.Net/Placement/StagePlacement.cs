namespace GptOss.Net.Placement;

internal sealed record StagePlacement(string Device, int FirstLayer, int LayerCount, bool HoldsEmbedding, bool HoldsUnembedding);
