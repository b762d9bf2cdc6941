using System.CommandLine;
using ConsoleChat;
using GptOss.Net;
using Microsoft.Extensions.AI;

var prompt = new Argument<string[]>("prompt")
{
    Description = "What to ask. Without it, an interactive chat begins.",
    Arity = ArgumentArity.ZeroOrMore,
};
var model = new Option<string?>("--model")
{
    Description = "A checkpoint directory or a downloaded Hugging Face id. Default: the demonstration model.",
};
var download = new Option<bool>("--download") { Description = "Download a model that is not on this machine without asking." };
var repackCache = new Option<bool>("--repack-cache")
{
    Description = "Keep the weights as they lie in memory, so that the next start on the CPU is fast.",
};
var reasoning = new Option<ReasoningEffort>("--reasoning")
{
    Description = "How long the model thinks: low, medium or high.",
    DefaultValueFactory = _ => ReasoningEffort.Medium,
};
reasoning.AcceptOnlyFromAmong("low", "medium", "high");
var showReasoning = new Option<bool>("--show-reasoning") { Description = "Print the model's thoughts as well." };
var temperature = new Option<float?>("--temperature")
{
    Description = "0 takes the most probable token always. Default: 0 for the demonstration model, else 1.",
};

var tools = new Option<bool>("--tools") { Description = "Offer the model a function that it may call: the (invented) weather of a city." };
var json = new Option<bool>("--json") { Description = "Answer in JSON of a fixed schema: a city and its country." };

var plan = new Option<string?>("--plan")
{
    Description = "Print where the model would lie, and load nothing: on this machine, or on one that is described, such as 2x24GiB, "
        + "24GiB+16GiB or 8GiB+cpu 64GiB.",
    Arity = ArgumentArity.ZeroOrOne,
};

var tensorParallel = new Option<int>("--tensor-parallel")
{
    Description = "With --plan: 2 or 4 GPUs that share every layer.",
    DefaultValueFactory = _ => 1,
};
var precision = new Option<Precision>("--precision") { Description = "With --plan: how weights are held, such as ExpandedBFloat16." };

var command = new RootCommand("Chats with a gpt-oss model that runs in this process.")
{
    prompt, model, download, repackCache, reasoning, showReasoning, temperature, tools, json, plan, precision,
    tensorParallel,
};
command.SetAction((result, cancellationToken) =>
{
    var path = result.GetValue(model);
    if (result.GetResult(plan) is not null)
    {
        var planned = new GptOssModelOptions
        {
            Precision = result.GetValue(precision),
            Placement = new PlacementOptions { TensorParallel = result.GetValue(tensorParallel) },
        };
        return PlacementCommand.RunAsync(path, result.GetValue(plan), planned, cancellationToken);
    }

    var options = new ChatOptions
    {
        Temperature = result.GetValue(temperature) ?? (path is null ? 0 : null),
        Reasoning = new ReasoningOptions
        {
            Effort = result.GetValue(reasoning),
            Output = result.GetValue(showReasoning) ? ReasoningOutput.Full : ReasoningOutput.None,
        },
        Tools = result.GetValue(tools) ? [WeatherFunction.Create()] : [],
        ResponseFormat = result.GetValue(json) ? ChatResponseFormat.ForJsonSchema<Capital>() : null,
    };
    var loading = new GptOssModelOptions { AllowDownload = result.GetValue(download), RepackCache = result.GetValue(repackCache) };
    return ChatSession.RunAsync(path, loading, options, string.Join(' ', result.GetValue(prompt) ?? []), cancellationToken);
});

// Ctrl-C is the chat's: it ends an answer.
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
