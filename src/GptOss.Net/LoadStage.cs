namespace GptOss.Net;

/// <summary>What loading a model is at.</summary>
public enum LoadStage
{
    /// <summary>Weights are read onto their devices.</summary>
    Reading = 0,

    /// <summary>Files are fetched into the Hugging Face cache.</summary>
    Downloading = 1,

    /// <summary>Kernels are compiled for a GPU, at the first load; units are counted instead of bytes.</summary>
    Compiling = 2,
}
