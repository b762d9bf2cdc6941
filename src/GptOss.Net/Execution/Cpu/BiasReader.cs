using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Reads biases into the order of a matrix' rows in memory.</summary>
internal static unsafe class BiasReader
{
    public static void Read(LinearSource source, CpuMatrix matrix, params RowSelection[] selections)
    {
        if (source.Bias is not { } bias)
        {
            return;
        }

        var values = bias.ReadSingles();
        foreach (var selection in selections)
        {
            for (var i = 0; i < selection.RowCount; i++)
            {
                matrix.Bias[(selection.Group(i) * RowGroup.Rows) + selection.Lane(i)] = values[selection.Row(i)];
            }
        }
    }
}
