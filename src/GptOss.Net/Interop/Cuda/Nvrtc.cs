using System.Runtime.InteropServices;
using System.Text;

namespace GptOss.Net.Interop.Cuda;

/// <summary>NVIDIA's run-time compiler: CUDA C++ to machine code, without headers or a toolkit.</summary>
internal sealed unsafe class Nvrtc
{
    private readonly delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int> _createProgram;
    private readonly delegate* unmanaged<nint*, int> _destroyProgram;
    private readonly delegate* unmanaged<nint, int, byte**, int> _compileProgram;
    private readonly delegate* unmanaged<nint, nuint*, int> _getCubinSize;
    private readonly delegate* unmanaged<nint, byte*, int> _getCubin;
    private readonly delegate* unmanaged<nint, nuint*, int> _getLogSize;
    private readonly delegate* unmanaged<nint, byte*, int> _getLog;
    private readonly delegate* unmanaged<int, byte*> _getErrorString;

    private Nvrtc(nint library, string file)
    {
        nint Find(string name) => NativeLibrary.GetExport(library, name);
        _createProgram = (delegate* unmanaged<nint*, byte*, byte*, int, byte**, byte**, int>)Find("nvrtcCreateProgram");
        _destroyProgram = (delegate* unmanaged<nint*, int>)Find("nvrtcDestroyProgram");
        _compileProgram = (delegate* unmanaged<nint, int, byte**, int>)Find("nvrtcCompileProgram");
        _getCubinSize = (delegate* unmanaged<nint, nuint*, int>)Find("nvrtcGetCUBINSize");
        _getCubin = (delegate* unmanaged<nint, byte*, int>)Find("nvrtcGetCUBIN");
        _getLogSize = (delegate* unmanaged<nint, nuint*, int>)Find("nvrtcGetProgramLogSize");
        _getLog = (delegate* unmanaged<nint, byte*, int>)Find("nvrtcGetProgramLog");
        _getErrorString = (delegate* unmanaged<int, byte*>)Find("nvrtcGetErrorString");
        var version = (delegate* unmanaged<int*, int*, int>)Find("nvrtcVersion");
        int major, minor;
        _ = version(&major, &minor);
        Version = new Version(major, minor);
        File = file;
    }

    public Version Version { get; }

    /// <summary>Gets the file that was loaded.</summary>
    public string File { get; }

    /// <summary>Loads the compiler from the first of these files that works.</summary>
    /// <exception cref="CudaException">None does.</exception>
    public static Nvrtc Load(IReadOnlyList<string> candidates)
    {
        var tooOld = new List<string>();
        foreach (var candidate in candidates)
        {
            if (NativeLibrary.TryLoad(candidate, out var library))
            {
                try
                {
                    return new Nvrtc(library, candidate);
                }
                catch (EntryPointNotFoundException)
                {
                    tooOld.Add(candidate);
                }
            }
        }

        if (tooOld.Count > 0)
        {
            throw new CudaException(
                $"NVRTC, NVIDIA's run-time compiler, must be of CUDA 12 or newer; older: {string.Join(", ", tooOld)}. Set "
                + "GptOssModelOptions.LibTorchDirectory to the torch/lib of a newer PyTorch, or CUDA_PATH to a newer toolkit.");
        }

        throw new CudaException(
            "NVRTC, NVIDIA's run-time compiler, was not found; the CUDA kernels are compiled with it at the first load. It comes with "
            + "TorchSharp-cuda-linux and -windows, with any CUDA build of PyTorch (set GptOssModelOptions.LibTorchDirectory to its "
            + $"torch/lib) and with the CUDA toolkit (set CUDA_PATH). Looked for: {string.Join(", ", candidates)}.");
    }

    /// <summary>Compiles one text to machine code; any thread, several at once.</summary>
    /// <exception cref="CudaException">The text has errors, or the architecture is unknown to this compiler.</exception>
    public byte[] Compile(string name, string text, IReadOnlyList<string> options, DeviceId device)
    {
        nint program;
        fixed (byte* source = Utf8(text), label = Utf8($"{name}.cu"))
        {
            Check(_createProgram(&program, source, label, 0, null, null), "nvrtcCreateProgram", device, log: null);
        }

        var arguments = stackalloc byte*[options.Count];
        for (var i = 0; i < options.Count; i++)
        {
            arguments[i] = (byte*)Marshal.StringToCoTaskMemUTF8(options[i]);
        }

        try
        {
            var result = _compileProgram(program, options.Count, arguments);
            Check(result, $"nvrtcCompileProgram({name}, {string.Join(' ', options)})", device, result == 0 ? null : Log(program));
            nuint size;
            Check(_getCubinSize(program, &size), "nvrtcGetCUBINSize", device, log: null);
            var cubin = new byte[size];
            fixed (byte* to = cubin)
            {
                Check(_getCubin(program, to), "nvrtcGetCUBIN", device, log: null);
            }

            return cubin;
        }
        finally
        {
            for (var i = 0; i < options.Count; i++)
            {
                Marshal.FreeCoTaskMem((nint)arguments[i]);
            }

            _ = _destroyProgram(&program);
        }
    }

    private string Log(nint program)
    {
        nuint size;
        _ = _getLogSize(program, &size);
        var log = new byte[size + 1];
        fixed (byte* to = log)
        {
            _ = _getLog(program, to);
        }

        return Encoding.UTF8.GetString(log).TrimEnd('\0');
    }

    private void Check(int result, string call, DeviceId device, string? log)
    {
        if (result != 0)
        {
            throw new CudaException(call, device, result, Marshal.PtrToStringUTF8((nint)_getErrorString(result)) ?? "unknown error", log);
        }
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text + '\0');
}
