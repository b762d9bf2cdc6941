using GptOss.Net.Execution;

namespace GptOss.Net.Engine;

/// <summary>Rows of logits for a request, and what the request made of them.</summary>
internal sealed record RowDelivery(EngineRequest Request, StepResult Result, int FirstRow, int RowCount)
{
    /// <summary>Gets or sets a value indicating whether the request has all that it wanted.</summary>
    public bool IsComplete { get; set; }

    /// <summary>Gets or sets what ends the request, and it alone.</summary>
    public Exception? Failure { get; set; }
}
