using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Tries whether a device still computes: an error in a kernel can make a CUDA context unusable for good.</summary>
internal static class TorchProbe
{
    public static bool Works(Device device)
    {
        try
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            var one = tensor([1f], device: device);
            return one.Plus(one).cpu().data<float>()[0] == 2f;
        }
#pragma warning disable CA1031 // Whatever it throws is the answer.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }
}
