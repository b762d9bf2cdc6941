namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>The dense matrices of the model; each has tiles of its own.</summary>
internal enum DenseJob
{
    /// <summary>Query, key and value together; bfloat16 results.</summary>
    Qkv,

    /// <summary>Attention's output projection; float results, which are added to the residual later.</summary>
    Output,

    /// <summary>The projection to logits; float results.</summary>
    Head,
}
