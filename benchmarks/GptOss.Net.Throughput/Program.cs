using System.CommandLine;
using GptOss.Net.Throughput;
using GptOss.Net.Throughput.Serving;
using GptOss.Net.Throughput.Soak;

return await new RootCommand("Measures GptOss.Net end to end.")
{
    LoadBenchmark.Command(), CpuThroughput.Command(), KernelThroughput.Command(), MaskingBenchmark.Command(),
    BatchCommand.Command(), RatesCommand.Command(), HttpCommand.Command(), OverheadCommand.Command(), FairnessCommand.Command(),
    ClientsCommand.Command(), PoolCommand.Command(), SoakCommand.Command(), MemoryCommand.Command(), PipelineThroughput.Command(),
    GpuThroughput.Command(), GpuExecutorThroughput.Command(), CudaKernelTable.Command(),
}.Parse(args).InvokeAsync();
