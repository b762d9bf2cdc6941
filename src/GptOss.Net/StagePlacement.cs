namespace GptOss.Net;

/// <summary>
/// Consecutive layers on one device, or on a group of devices that share each layer: a step runs the stages one after the other.
/// </summary>
public sealed class StagePlacement
{
    internal StagePlacement(DeviceId device, int firstLayer, int layerCount)
        : this([device], firstLayer, layerCount)
    {
    }

    internal StagePlacement(IReadOnlyList<DeviceId> devices, int firstLayer, int layerCount)
    {
        Devices = devices;
        FirstLayer = firstLayer;
        LayerCount = layerCount;
    }

    /// <summary>Gets the device; of a group the first.</summary>
    public DeviceId Device => Devices[0];

    /// <summary>Gets the devices that share each of the layers (tensor parallel), or the only one.</summary>
    public IReadOnlyList<DeviceId> Devices { get; }

    /// <summary>Gets the first layer, from 0.</summary>
    public int FirstLayer { get; }

    /// <summary>Gets how many layers the stage has, at least 1.</summary>
    public int LayerCount { get; }

    /// <summary>Gets the last layer.</summary>
    public int LastLayer => FirstLayer + LayerCount - 1;

    /// <summary>The layers, such as <c>0-11</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => LayerCount == 1 ? $"{FirstLayer}" : $"{FirstLayer}-{LastLayer}";
}
