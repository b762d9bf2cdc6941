using System.CommandLine;
using GptOss.Net.Throughput;

var checkpoint = new Argument<string>("checkpoint") { Description = "Directory of a gpt-oss checkpoint." };
var threads = new Option<int?>("--threads") { Description = "Threads; by default one for each physical core." };
var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 5, Description = "Runs of each side; medians are reported." };
var prompt = new Option<int>("--prompt") { DefaultValueFactory = _ => 512, Description = "Tokens to prefill." };
var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 64, Description = "Tokens to decode." };
var batch = new Option<int>("--batch") { DefaultValueFactory = _ => 8, Description = "Sequences to decode together." };
var exact = new Option<bool>("--exact") { Description = "Weights as stored and float32 activations." };
var int4Head = new Option<bool>("--int4-head") { Description = "The output projection in int4." };
var peer = new Option<string?>("--peer") { Description = "Command of the other side, which measures once for every line it reads: benchmarks/peers." };

var cpu = new Command("cpu", "Decode and prefill speed of the CPU executor, in turns with a peer.")
{
    checkpoint, threads, runs, prompt, tokens, batch, exact, int4Head, peer,
};
cpu.SetAction(result => new CpuThroughput
{
    Checkpoint = result.GetRequiredValue(checkpoint),
    Threads = result.GetValue(threads),
    Runs = result.GetValue(runs),
    PromptTokens = result.GetValue(prompt),
    NewTokens = result.GetValue(tokens),
    BatchSize = result.GetValue(batch),
    Exact = result.GetValue(exact),
    Int4Head = result.GetValue(int4Head),
    Peer = result.GetValue(peer),
}.Run());

var kernels = new Command("kernels", "Bandwidth and arithmetic of the CPU's matrix kernels.") { threads };
kernels.SetAction(result => new KernelThroughput(result.GetValue(threads)).Run());

return new RootCommand("Throughput of GptOss.Net.") { cpu, kernels }.Parse(args).Invoke();
