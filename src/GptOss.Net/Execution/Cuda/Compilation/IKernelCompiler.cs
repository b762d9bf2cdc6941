namespace GptOss.Net.Execution.Cuda.Compilation;

/// <summary>Turns kernel texts into what a driver can load. Any thread, several texts at once.</summary>
internal interface IKernelCompiler
{
    /// <summary>Gets what else the result depends on: the compiler's version, the architecture, the options.</summary>
    string Identity { get; }

    byte[] Compile(KernelSource source);
}
