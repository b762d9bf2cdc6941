using System.CommandLine;
using System.Diagnostics;
using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Throughput;

/// <summary>
/// Bandwidth of each kernel with one and with some rows of activations over weights that no cache holds, next to that of plain reading,
/// and arithmetic with many rows.
/// </summary>
internal sealed unsafe class KernelThroughput(int? threads)
{
    private const int Columns = 2880;
    private const long WeightBytes = 512L * 1024 * 1024;
    private const int SomeRows = 8;
    private const int ManyRows = 64;
    private const int Repetitions = 5;

    public static Command Command()
    {
        var threads = new Option<int?>("--threads") { Description = "Threads; by default one for each physical core." };
        var command = new Command("kernels", "Bandwidth and arithmetic of the CPU's matrix kernels.") { threads };
        command.SetAction(result => new KernelThroughput(result.GetValue(threads)).Run());
        return command;
    }

    private void Run()
    {
        using var pool = new CpuThreadPool(threads ?? PhysicalCores.Count());
        Console.WriteLine($"{pool.Count} threads; best of {Repetitions}");
        Read(pool);
        foreach (var weights in new[] { CpuWeightFormat.Mxfp4, CpuWeightFormat.Int4, CpuWeightFormat.Int8, CpuWeightFormat.Bf16 })
        {
            Measure(pool, weights, weights.FastInput);
        }

        Measure(pool, CpuWeightFormat.Mxfp4, ActivationFormat.Float32);
        Measure(pool, CpuWeightFormat.Int8, ActivationFormat.Float32);
    }

    private static void Read(CpuThreadPool pool)
    {
        using var memory = new CpuMemory();
        var data = memory.Allocate<byte>(WeightBytes);
        var sums = memory.Allocate<float>(pool.Count * 64);
        var seconds = Best(() => pool.Run(thread =>
        {
            var share = WorkShare.Of((int)(WeightBytes / 256), thread, pool.Count);
            var (sum, other) = (Vector512<float>.Zero, Vector512<float>.Zero);
            for (var chunk = (float*)(data + (share.Start * 256L)); chunk < data + (share.End * 256L); chunk += 64)
            {
                sum += Vector512.Load(chunk) + Vector512.Load(chunk + 16);
                other += Vector512.Load(chunk + 32) + Vector512.Load(chunk + 48);
            }

            Vector512.Store(sum + other, sums + (thread * 64));
        }));
        Console.WriteLine($"reading: {WeightBytes / seconds / 1e9:f1} GB/s");
    }

    private static void Measure(CpuThreadPool pool, CpuWeightFormat weights, ActivationFormat format)
    {
        using var memory = new CpuMemory();
        var probe = new CpuMatrix(memory, weights, RowGroup.Rows, Columns);
        var groups = (int)(WeightBytes / probe.GroupBytes);
        var matrix = new CpuMatrix(memory, weights, groups * RowGroup.Rows, Columns);
        new Span<byte>(matrix.Group(0), checked((int)(groups * matrix.GroupBytes))).Fill(0x3C);
        var input = new ActivationBuffer(memory, format, ManyRows, Columns);
        var values = memory.Allocate<float>(Columns);
        for (var row = 0; row < ManyRows; row++)
        {
            for (var i = 0; i < Columns; i++)
            {
                values[i] = MathF.Sin(row + i);
            }

            input.Encode(row, values);
        }

        var one = Seconds(pool, matrix, input, groups, 1, memory);
        var some = Seconds(pool, matrix, input, groups, SomeRows, memory);
        var fewGroups = groups / 16;
        var many = Seconds(pool, matrix, input, fewGroups, ManyRows, memory);
        Console.WriteLine(
            $"{weights} x {format}: 1 row {groups * matrix.GroupBytes / one / 1e9:f1} GB/s;"
            + $" {SomeRows} rows {groups * matrix.GroupBytes / some / 1e9:f1} GB/s;"
            + $" {ManyRows} rows {2.0 * fewGroups * RowGroup.Rows * Columns * ManyRows / many / 1e9:f0} Gop/s");
    }

    private static double Seconds(CpuThreadPool pool, CpuMatrix matrix, ActivationBuffer input, int groups, int rows, CpuMemory memory)
    {
        var sums = memory.Allocate<float>(pool.Count * ManyRows * RowGroup.Rows);
        return Best(() => pool.Run(thread =>
        {
            var share = WorkShare.Of(groups, thread, pool.Count);
            for (var group = share.Start; group < share.End; group++)
            {
                matrix.Multiply(input.Format, group, input.Rows, rows, sums + (thread * ManyRows * RowGroup.Rows));
            }
        }));
    }

    private static double Best(Action action) =>
        Enumerable.Range(0, Repetitions).Min(_ =>
        {
            var clock = Stopwatch.StartNew();
            action();
            return clock.Elapsed.TotalSeconds;
        });
}
