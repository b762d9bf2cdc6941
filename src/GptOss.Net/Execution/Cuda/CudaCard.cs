using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>One card as an executor uses it: what all parts of the model that lie on it share.</summary>
/// <remarks>Everything runs on one stream, in the order in which it was given: parts share what they compute with.</remarks>
internal sealed class CudaCard : IDisposable
{
    // A step takes milliseconds. The longest ones, of prompts of thousands of tokens on a slow card, get time for their tokens.
    private static readonly TimeSpan LimitPerToken = TimeSpan.FromMilliseconds(1);

    private readonly CudaKernels? _kernels;
    private CudaWorkspace? _workspace;
    private StepInputs? _inputs;
    private nint _probe;

    /// <summary>The card owns driver and kernels from now on.</summary>
    public CudaCard(ICudaDriver driver, CudaKernels? kernels = null)
    {
        (Driver, _kernels, Memory) = (driver, kernels, new CudaMemory(driver));
        Stream = driver.CreateStream();
    }

    public ICudaDriver Driver { get; }

    public CudaKernels Kernels => _kernels ?? throw new InvalidOperationException($"{Device} has no kernels.");

    /// <summary>Gets what the executor holds on the card.</summary>
    public CudaMemory Memory { get; }

    public nint Stream { get; }

    public DeviceId Device => Driver.Properties.Device;

    /// <summary>Gets a value indicating whether the card has stopped to answer: whatever waits for it would wait for ever.</summary>
    public bool IsSilent { get; private set; }

    public CudaWorkspace Workspace => _workspace ?? throw new InvalidOperationException($"{Device} has no workspace yet.");

    public StepInputs Inputs => _inputs ?? throw new InvalidOperationException($"{Device} has no inputs yet.");

    public KernelStream Launches => new(Driver, Stream, IsDependent: false);

    /// <summary>Allocates what steps need.</summary>
    /// <param name="shape">The widths.</param>
    /// <param name="options">The sizes.</param>
    /// <param name="stepsInFlight">How many steps are begun before the first is completed.</param>
    /// <param name="unembeds">Whether logits are computed here.</param>
    public void Allocate(CudaShape shape, CudaExecutorOptions options, int stepsInFlight, bool unembeds)
    {
        var tokens = CudaWorkspace.Tokens(options.MaxStepTokens, options.MaxSequences);
        var chunks = CudaWorkspace.Chunks(options.MaxSequences, options.MaxModelLength);
        var rows = CudaWorkspace.Rows(options.MaxSequences);
        _workspace = CudaWorkspace.Allocate(Memory, shape, tokens, rows, chunks, unembeds ? stepsInFlight : 0);
        _inputs = new StepInputs(Driver, Memory, shape, tokens, CudaWorkspace.TableEntries(options, tokens), chunks, stepsInFlight);
        _probe = Driver.CreateEvent();
        Driver.SynchronizeStream(0); // which filled memory that other streams use
    }

    /// <summary>Waits for an event of this card, but not for ever.</summary>
    /// <param name="done">The event.</param>
    /// <param name="tokens">Of the step that it ends.</param>
    /// <param name="limit">How long a card may compute a step of some tokens.</param>
    /// <exception cref="CudaException">The card has failed, or does not answer.</exception>
    public void Wait(nint done, int tokens, TimeSpan limit)
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        var longest = limit + (tokens > limit.TotalMilliseconds ? tokens * LimitPerToken : TimeSpan.Zero);
        while (!Driver.HasHappened(done))
        {
            if (System.Diagnostics.Stopwatch.GetElapsedTime(start) > longest)
            {
                IsSilent = true;
                throw new CudaException(
                    "A step", Device, CudaException.NoAnswer,
                    $"the card has not answered for {longest.TotalSeconds:0.#} s. It, its driver or its link hangs");
            }

            Thread.SpinWait(16);
        }
    }

    /// <summary>Whether the card does what it is given.</summary>
    public bool Answers(TimeSpan limit)
    {
        try
        {
            if (IsSilent)
            {
                return false;
            }

            Driver.RecordEvent(_probe, Stream);
            Wait(_probe, 0, limit);
            return true;
        }
        catch (CudaException)
        {
            return false;
        }
    }

    /// <summary>Gives everything back. A lost card refuses; then the process's end gives the rest back.</summary>
    public void Dispose()
    {
        try
        {
            Driver.DestroyStream(Stream);
            if (_probe != 0)
            {
                Driver.DestroyEvent(_probe);
            }

            _kernels?.Dispose();
        }
        catch (CudaException)
        {
            // Nothing more can be given back.
        }

        Memory.Dispose();
        Driver.Dispose();
    }
}
