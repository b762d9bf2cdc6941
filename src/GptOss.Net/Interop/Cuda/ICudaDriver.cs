namespace GptOss.Net.Interop.Cuda;

/// <summary>One device as CUDA's driver interface offers it: modules, launches, memory, streams, events and graphs.</summary>
/// <remarks>
/// Handles and addresses are plain numbers. Any thread may call. Work on a stream runs in the order in which it was given; what is
/// asynchronous says so. Every call throws <see cref="CudaException"/> when the driver refuses it, or reports an earlier failure.
/// </remarks>
internal unsafe interface ICudaDriver : IDisposable
{
    CudaProperties Properties { get; }

    /// <summary>Loads machine code for this device.</summary>
    nint LoadModule(ReadOnlySpan<byte> image);

    void UnloadModule(nint module);

    /// <summary>Finds a kernel and lets its blocks have as much shared memory as the device allows.</summary>
    nint GetFunction(nint module, string name);

    /// <summary>Starts a kernel whose one parameter is a structure, these bytes, which are read before this returns.</summary>
    void Launch(nint function, in CudaLaunch launch, ReadOnlySpan<byte> parameters, nint stream);

    /// <summary>The bytes of the device that no process holds now.</summary>
    long FreeBytes();

    nint Allocate(long bytes);

    void Free(nint address);

    /// <summary>Allocates page-locked main memory, from and to which copies are asynchronous; all devices see it at this address.</summary>
    nint AllocateHost(long bytes);

    void FreeHost(nint address);

    /// <summary>Lets kernels and copies of this device reach another one's memory, over NVLink or PCIe; false where they cannot.</summary>
    bool TryReach(ICudaDriver other);

    /// <summary>
    /// Copies between main memory and the device, on the device, or from and to a device that it reaches; asynchronous with page-locked
    /// memory.
    /// </summary>
    void Copy(nint to, nint from, long bytes, nint stream);

    void Fill(nint to, byte value, long bytes, nint stream);

    nint CreateStream();

    void DestroyStream(nint stream);

    /// <summary>Waits for everything that was given to a stream.</summary>
    void SynchronizeStream(nint stream);

    nint CreateEvent();

    void DestroyEvent(nint handle);

    /// <summary>The event happens when the work that the stream has so far is done.</summary>
    void RecordEvent(nint handle, nint stream);

    /// <summary>Lets a stream go on only after the event, which may be another device's.</summary>
    void WaitEvent(nint stream, nint handle);

    void SynchronizeEvent(nint handle);

    /// <summary>Whether an event has happened, without waiting for it.</summary>
    bool HasHappened(nint handle);

    /// <summary>The time between two events that have happened.</summary>
    float MillisecondsBetween(nint start, nint end);

    /// <summary>What is given to the stream from now on is recorded instead of run.</summary>
    void BeginCapture(nint stream);

    /// <summary>Ends the recording and returns it as a graph that can be launched again and again.</summary>
    nint EndCapture(nint stream);

    void LaunchGraph(nint graph, nint stream);

    void DestroyGraph(nint graph);
}
