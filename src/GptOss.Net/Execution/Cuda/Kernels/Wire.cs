namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>What kernels need to speak with the other card and to wait for it (<c>wire.cu</c>).</summary>
/// <param name="Number">uint: the step's number, the same on both cards; only growing.</param>
/// <param name="Error">uint: not 0 when somebody has waited too long.</param>
/// <param name="Patience">Nanoseconds.</param>
/// <param name="Shift">Bytes from a word of this card's arena to where the other card gets it.</param>
internal readonly record struct Wire(nint Number, nint Error, ulong Patience, long Shift);
