using GptOss.Net.Interop.Cuda;

namespace GptOss.Net.Execution.Cuda;

/// <summary>What the host keeps of one step in flight.</summary>
internal sealed class StepSlot : IDisposable
{
    private readonly ICudaDriver _driver;
    private readonly nint _done;

    public StepSlot(ICudaDriver driver, int index)
    {
        (_driver, Index) = (driver, index);
        _done = driver.CreateEvent();
        Logits = new HostLogits(driver);
    }

    /// <summary>Gets the number of the slot.</summary>
    public int Index { get; }

    /// <summary>Gets the rows of logits that the host wants.</summary>
    public HostLogits Logits { get; }

    /// <summary>Gets or sets which of them belongs to each wanted row; empty: all rows, in order.</summary>
    public int[] LogitsIndices { get; set; } = [];

    public int Rows { get; set; }

    /// <summary>Gets or sets what went wrong when the step was begun.</summary>
    public Exception? Failure { get; set; }

    /// <summary>The step is everything that the stream has so far.</summary>
    public void End(nint stream) => _driver.RecordEvent(_done, stream);

    /// <summary>Waits until the step is done.</summary>
    public void Wait() => _driver.SynchronizeEvent(_done);

    public void Dispose()
    {
        ((IDisposable)Logits).Dispose();
        _driver.DestroyEvent(_done);
    }
}
