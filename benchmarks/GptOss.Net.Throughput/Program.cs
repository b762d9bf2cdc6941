using System.CommandLine;
using GptOss.Net.Throughput;

return await new RootCommand("Measures GptOss.Net end to end.")
{
    LoadBenchmark.Command(), CpuThroughput.Command(), KernelThroughput.Command(), PipelineThroughput.Command(),
}.Parse(args).InvokeAsync();
