using DemoModelTrainer;
using GptOss.Net.Interop;
using TorchSharp;

if (CommandLine.Parse(args) is not { } commandLine)
{
    Console.Error.WriteLine(CommandLine.Usage);
    return 1;
}

NativeLibraries.EnsureLoaded();
torch.set_num_threads(1); // the trainer computes several batches side by side instead
using var run = new TrainingRun(commandLine);
run.Train();
run.Evaluate();
run.Export();
return 0;
