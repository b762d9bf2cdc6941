namespace GptOss.Net.Model;

/// <summary>How a checkpoint stores values of 4 bits.</summary>
internal enum Int4Layout
{
    Awq,
    Gptq,
    CompressedTensors,
}
