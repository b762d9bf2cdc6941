using System.CommandLine;
using GptOss.Net;
using GptOss.Net.Tool;

var model = new Argument<string>("model") { Description = "A folder, or the id of a repository, such as openai/gpt-oss-20b." };
var question =
    new Argument<string[]>("question") { Description = "What to ask; without it, a conversation.", Arity = ArgumentArity.ZeroOrMore };
var download = new Option<bool>("--download") { Description = "Download what is not on this machine." };
var libTorch = new Option<string?>("--libtorch") { Description = "The torch/lib folder of a PyTorch install." };
var machine = new Option<string?>("--machine") { Description = "Another machine's GPUs, such as 2x24GiB. Default: this one." };
var urls = new Option<string>("--urls") { Description = "Where to listen.", DefaultValueFactory = _ => "http://127.0.0.1:8000" };
var tokens = new Option<int>("--tokens") { Description = "How many tokens to measure.", DefaultValueFactory = _ => 128 };

var chat = new Command("chat", "Asks a question, or holds a conversation.") { model, question, download, libTorch };
chat.SetAction((parsed, stop) => ChatCommand.RunAsync(
    parsed.GetValue(model)!, Options(parsed, parsed.GetValue(download)), string.Join(' ', parsed.GetValue(question) ?? []), stop));
var serve = new Command("serve", "Serves clients of OpenAI's API.") { model, urls, download, libTorch };
serve.SetAction(
    (parsed, stop) => ServeCommand.RunAsync(
        parsed.GetValue(model)!, Options(parsed, parsed.GetValue(download)), parsed.GetValue(urls)!, stop));
var plan = new Command("plan", "Prints where the model would lie; loads nothing.") { model, machine, download, libTorch };
plan.SetAction(
    (parsed, stop) => PlanCommand.RunAsync(
        parsed.GetValue(model)!, Options(parsed, parsed.GetValue(download)), parsed.GetValue(machine), stop));
var fetch = new Command("download", "Downloads a model into the Hugging Face cache.") { model };
fetch.SetAction((parsed, stop) => DownloadCommand.RunAsync(parsed.GetValue(model)!, Options(parsed, isAllowed: true), stop));
var bench = new Command("bench", "Measures one answer.") { model, tokens, download, libTorch };
bench.SetAction(
    (parsed, stop) => BenchCommand.RunAsync(
        parsed.GetValue(model)!, Options(parsed, parsed.GetValue(download)), parsed.GetValue(tokens), stop));

try
{
    var root = new RootCommand("Runs gpt-oss models on this machine.") { chat, serve, plan, fetch, bench };
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception exception) when (exception is GptOssException or FormatException or ArgumentException)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}

GptOssModelOptions Options(ParseResult parsed, bool isAllowed) => new()
{
    AllowDownload = isAllowed,
    LibTorchDirectory = parsed.GetValue(libTorch),
};
