using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>
/// A conversation that is stored after each step and continued by another process has the same tokens as one that never stopped.
/// </summary>
public sealed class ChatSessionTests
{
    private const string Store = "GPTOSS_TEST_SESSION";
    private const string Next = "<|end|><|start|>assistant";
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(value => (byte)value)];

    // What the model writes, one turn after the other.
    private static readonly string[] Turns =
    [
        $$"""<|channel|>analysis<|message|>First look.{{Next}}<|channel|>commentary<|message|>One """
        + $$"""moment.{{Next}}<|channel|>analysis<|message|>Now.{{Next}}"""
            + """<|channel|>commentary to=functions.look <|constrain|>json<|message|>{"place": "gar\u0064en","zoom": 1.50}<|call|>""",
        $$"""<|channel|>analysis<|message|>A cat.{{Next}}<|channel|>analysis to=functions.chase json<|message|>{"animal":"cat"}<|call|>""",
        $"<|channel|>commentary<|message|>It ran.{Next}<|channel|>final<|message|>Done 🐈.<|return|>",
        $$"""<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{}<|call|>""",
        $"<|channel|>analysis<|message|>Rain.{Next}<|channel|>final<|message|>It rains.<|return|>",
        "<|channel|>final<|message|>Bye.<|return|>",
    ];

    private static readonly ChatOptions Options = new()
    {
        Instructions = "Be kind.",
        Tools =
        [
            AIFunctionFactory.Create(
                (string place, double zoom) => new DataContent(new byte[100], "image/png") { Name = $"{place}{zoom}.png" }, "look"),
            new ApprovalRequiredAIFunction(
                AIFunctionFactory.Create((string animal) => new { Chased = animal, At = DateTime.UnixEpoch }, "chase")),
            AIFunctionFactory.Create(() => new List<AIContent>
            {
                new TextContent("rain"), new ErrorContent("no wind"), new DataContent(new byte[3], "audio/wav"),
            }, "weather"),
        ],
    };

    // What the user says, one step after the other.
    private static readonly IReadOnlyList<Func<List<ChatMessage>, ChatMessage[]>> Steps =
    [
        _ => [new(ChatRole.User, "What is in the garden?")],
        history => [new(
            ChatRole.User,
            [history.SelectMany(message => message.Contents).OfType<ToolApprovalRequestContent>().Single().CreateResponse(true)])],
        _ => [new(ChatRole.System, "The user is tired."), new(ChatRole.User, "And the weather?") { AuthorName = "Ann" }],
        _ => [new(ChatRole.User, "Bye")],
    ];

    [Theory]
    [InlineData(ReasoningOutput.None)]
    [InlineData(ReasoningOutput.Full)]
    public async Task It_goes_on_as_if_it_had_never_stopped(ReasoningOutput reasoning)
    {
        var unbroken = await Run(reasoning, history => history);
        var stored = await Run(reasoning, history => JsonSerializer.Deserialize<List<ChatMessage>>(
            JsonSerializer.Serialize(history, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions)!);

        unbroken.Should().HaveCount(Turns.Length);
        stored.Should().HaveSameCount(unbroken);
        for (var i = 0; i < unbroken.Count; i++)
        {
            HarmonyScript.Decode(stored[i]).Should().Be(HarmonyScript.Decode(unbroken[i]));
            stored[i].Should().Equal(unbroken[i]);
        }

        var last = HarmonyScript.Decode(unbroken[^2]);
        last.Should().Contain("""{"place": "gar\u0064en","zoom": 1.50}<|call|>""").And.Contain("garden1.5.png, 100 bytes")
            .And.Contain("{\"chased\":\"cat\"").And.Contain("rain\nError: no wind\n[audio/wav, 3 bytes");
    }

    /// <summary>Each step runs in a process of its own, which knows nothing but what the one before it has stored, and the key.</summary>
    [Fact]
    public async Task It_goes_on_in_another_process()
    {
        if (Environment.GetEnvironmentVariable(Store) is { } given)
        {
            await Continue(given);
            return;
        }

        using var directory = new TemporaryDirectory();
        for (var step = 0; step < Steps.Count; step++)
        {
            await RunProcess(directory.Path);
        }

        var prompts = await File.ReadAllLinesAsync(Path.Combine(directory.Path, "prompts"), TestContext.Current.CancellationToken);
        var unbroken = await Run(ReasoningOutput.None, history => history);
        prompts.Select(HarmonyScriptLine).Should().Equal(unbroken.Select(HarmonyScript.Decode));

        static string HarmonyScriptLine(string line) => HarmonyScript.Decode(JsonSerializer.Deserialize<int[]>(line)!);
    }

    /// <summary>
    /// Holds the conversation; gives the tokens of all prompts. What a process leaves behind is what <paramref name="store"/> keeps.
    /// </summary>
    private static async Task<List<int[]>> Run(ReasoningOutput reasoning, Func<List<ChatMessage>, List<ChatMessage>> store)
    {
        var prompts = new List<int[]>();
        List<ChatMessage> history = [];
        foreach (var step in Steps)
        {
            history.AddRange(step(history));
            history = store(history);
            await Answer(history, reasoning, prompts);
            history = store(history);
        }

        return prompts;
    }

    // One step: what was stored is read, and what came of it is stored.
    private static async Task Continue(string directory)
    {
        var (stored, lines) = (Path.Combine(directory, "history"), Path.Combine(directory, "prompts"));
        var history = File.Exists(stored)
            ? JsonSerializer.Deserialize<List<ChatMessage>>(
                await File.ReadAllTextAsync(stored, TestContext.Current.CancellationToken), AIJsonUtilities.DefaultOptions)!
            : [];
        var prompts = File.Exists(lines)
            ? [.. File.ReadLines(lines).Select(line => JsonSerializer.Deserialize<int[]>(line)!)]
            : new List<int[]>();
        history.AddRange(Steps[history.Count(message => message.Role == ChatRole.User)](history));
        await Answer(history, ReasoningOutput.None, prompts);
        await File.WriteAllTextAsync(
            stored, JsonSerializer.Serialize(history, AIJsonUtilities.DefaultOptions), TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(
            lines, prompts.Select(prompt => JsonSerializer.Serialize(prompt)), TestContext.Current.CancellationToken);
    }

    private static async Task RunProcess(string directory)
    {
        var tests = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                typeof(ChatSessionTests).Assembly.Location, "--filter-method",
                $"*.{nameof(ChatSessionTests)}.{nameof(It_goes_on_in_another_process)}",
            },
            Environment = { [Store] = directory },
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(tests)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(0, output);
    }

    private static async Task Answer(List<ChatMessage> history, ReasoningOutput reasoning, List<int[]> prompts)
    {
        using var chat = new ScriptedChat(_ => Turns[prompts.Count - 1], reasoningProtection: ReasoningProtection.FromKey(Key))
        {
            SeePrompt = prompts.Add,
        };
        using var client = new ChatClientBuilder(chat.Client).UseFunctionInvocation().Build();
        var options = Options.Clone();
        options.Reasoning = new() { Output = reasoning };
        history.AddMessages(await client.GetResponseAsync(history, options, TestContext.Current.CancellationToken));
    }
}
