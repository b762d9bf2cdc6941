namespace GptOss.Net;

/// <summary>How quantized weights are held in memory.</summary>
public enum WeightStorage
{
    /// <summary>As in the checkpoint, 4 bits a value; expanded only for the moment of use.</summary>
    Packed,

    /// <summary>Expanded at load to the compute type: four times the memory in bfloat16.</summary>
    Expanded,
}
