using System.Diagnostics;
using System.Text.Json;
using DemoModel;
using GptOss.Net.Chat;
using GptOss.Net.Checkpoint;
using GptOss.Net.Harmony;
using GptOss.Net.Model;
using GptOss.Net.Quantization;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Execution;

/// <summary>
/// llama.cpp and this library, on the same GGUF file. Needs <c>GPTOSS_LLAMA</c>: a folder with benchmarks/peers/llama-greedy.mjs and the
/// npm package that it names.
/// </summary>
public sealed class LlamaComparisonTests
{
    private const int NewTokens = 12;

    // How much more probable the first choice must be than the second: llama.cpp computes with 8-bit activations.
    private const double Tie = 1.25;

    private static readonly string[] Questions =
    [
        "Hello!", "Who are you?", "What is GptOss.Net?", "What is the capital of France?", "What is 7 + 5?", "Why is the sky blue?",
        "Tell me a joke.",
        "What colour is a banana?", "Name a planet.", "What is the capital of Italy?", "What is 3 + 4?", "Good morning", "How are you?",
        "What is 9 + 1?",
        "What can you do?", "Thank you", "What is the capital of Japan?", "What colour is the sky?", "Write a poem about rain.",
        "Is water wet?",
    ];

    [Theory]
    [InlineData(nameof(GgmlType.BF16))]
    [InlineData(nameof(GgmlType.F16))]
    [InlineData(nameof(GgmlType.Q8_0))]
    [InlineData(nameof(GgmlType.Q4_0))]
    [InlineData(nameof(GgmlType.Q4_1))]
    [InlineData(nameof(GgmlType.Q5_0))]
    [InlineData(nameof(GgmlType.Q5_1))]
    public async Task Twenty_prompts_are_continued_alike(string dense)
    {
        var folder = Environment.GetEnvironmentVariable("GPTOSS_LLAMA");
        Assert.SkipWhen(folder is null, "Set GPTOSS_LLAMA to a folder with llama-greedy.mjs and node-llama-cpp.");
        using var directory = new TemporaryDirectory();
        using var checkpoint =
            SafetensorsCheckpoint.Open(await DemoCheckpoint.ExtractAsync(directory.File("nano"), TestContext.Current.CancellationToken));
        var gguf =
            new GgufModel(checkpoint, ModelConfigReader.Read(checkpoint)) { Dense = Enum.Parse<GgmlType>(dense), HasVocabulary = true };
        var path = directory.Write("model.gguf", gguf.Write().Write());

        await using var model = await GptOssModel.LoadAsync(
            path, LoadedModels.Options with { Precision = Precision.AsStored }, null, TestContext.Current.CancellationToken);
        var prompts = Questions.Select(question => Render(model, question)).ToArray();
        var theirs = await RunAsync(folder, path, prompts);
        var (same, tied) = (0, 0);
        for (var i = 0; i < prompts.Length; i++)
        {
            var ours = await model.Ids(prompts[i], Generations.Greedy(NewTokens));
            for (var j = 0; j < Math.Min(ours.Length, NewTokens); j++)
            {
                if (theirs[i][j].First < Tie * theirs[i][j].Second)
                {
                    tied++;
                    break; // what follows may differ
                }

                ours[j].Should().Be(theirs[i][j].Token, $"of '{Questions[i]}', token {j}");
                same++;
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{dense}: {same} tokens the same, {tied} of {prompts.Length} prompts left at a near tie");
        same.Should().BeGreaterThan(5 * prompts.Length);
    }

    private static int[] Render(GptOssModel model, string question) =>
    [
        .. new HarmonyRenderer(model.Tokenizer).RenderForCompletion(
            ChatRequest.MapMessages([new ChatMessage(ChatRole.User, question)], new ChatOptions(), model.AsIChatClient(), model)),
    ];

    private static async Task<Choice[][]> RunAsync(string folder, string path, int[][] prompts)
    {
        using var process = Process.Start(new ProcessStartInfo("node", ["llama-greedy.mjs", path, $"{NewTokens}"])
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(prompts));
        process.StandardInput.Close();
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(0);
        return JsonSerializer.Deserialize<Choice[][]>(output, JsonSerializerOptions.Web)!;
    }

    private sealed record Choice(int Token, double First, double Second);
}
