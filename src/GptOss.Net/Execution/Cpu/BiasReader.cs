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
            for (var i = 0; i < selection.GroupCount * RowGroup.Rows; i++)
            {
                var row = selection.Row(i / RowGroup.Rows, i % RowGroup.Rows);
                if (row >= 0)
                {
                    matrix.Bias[(selection.Group(i / RowGroup.Rows) * RowGroup.Rows) + (i % RowGroup.Rows)] = values[row];
                }
            }
        }
    }
}
