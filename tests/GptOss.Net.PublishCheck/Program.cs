using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using DemoModel;
using GptOss.Net;
using GptOss.Net.PublishCheck;
using Microsoft.Extensions.AI;

// Loads the demonstration model, asks it something, and says how fast it answered and what was logged. The exit code is 0 when the answer
// is right.
var warnings = new Warnings();
var options = new GptOssModelOptions
{
    Precision = Precision.Float32,
    LoggerFactory = warnings,
    Placement = new PlacementOptions { Devices = [DeviceId.Cpu] },
};
await using var model = await GptOssModel.LoadAsync(await DemoCheckpoint.ExtractAsync(), options);
using IChatClient client = model.AsIChatClient();
var greedy = new ChatOptions { Temperature = 0 };
var first = await client.GetResponseAsync("What is the capital of France?", greedy);

var watch = Stopwatch.StartNew();
var tokens = 0L;
while (watch.Elapsed < TimeSpan.FromSeconds(3))
{
    tokens += (await client.GetResponseAsync("What is the capital of France?", greedy)).Usage?.OutputTokenCount ?? 0;
}

Console.WriteLine(first.Text);
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{tokens / watch.Elapsed.TotalSeconds:F0} tok/s, "
    + $"{(RuntimeFeature.IsDynamicCodeCompiled ? "compiled at run time" : "compiled ahead of time")}"));
warnings.Texts.ForEach(Console.WriteLine);
return first.Text.Contains("Paris", StringComparison.Ordinal) ? 0 : 1;
