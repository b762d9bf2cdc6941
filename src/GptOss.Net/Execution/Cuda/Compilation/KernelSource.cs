using System.Text;

namespace GptOss.Net.Execution.Cuda.Compilation;

/// <summary>One unit for the compiler: a text that includes nothing.</summary>
/// <param name="Name">The unit's name, in messages and file names.</param>
/// <param name="Text">CUDA C++.</param>
internal sealed record KernelSource(string Name, string Text)
{
    /// <summary>
    /// Puts a unit together: the shape's constants, embedded <c>.cu</c> files in this order, then a line for each variant.
    /// </summary>
    /// <param name="name">The unit's name.</param>
    /// <param name="shape">The model's widths, which are constants of the kernels.</param>
    /// <param name="files">Names of files in <c>Execution/Cuda/Kernels</c>, without <c>.cu</c>.</param>
    /// <param name="variants">Macros that make kernels out of templates: <c>QKV(qkv_1, 1, 5, 8)</c>.</param>
    public static KernelSource Of(string name, CudaShape shape, IEnumerable<string> files, params IEnumerable<string> variants)
    {
        var text = new StringBuilder(shape.Constants);
        foreach (var file in files)
        {
            text.Append(Read(file));
        }

        return new KernelSource(name, text.AppendJoin('\n', variants).Append('\n').ToString());
    }

    private static string Read(string file)
    {
        using var stream = typeof(KernelSource).Assembly.GetManifestResourceStream($"{file}.cu")
            ?? throw new ArgumentException($"There is no kernel file {file}.cu.", nameof(file));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
