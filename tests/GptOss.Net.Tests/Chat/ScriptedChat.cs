using GptOss.Net.Chat;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Tests.Chat;

/// <summary>A chat client whose model says what a script tells it to; everything else is real.</summary>
internal sealed class ScriptedChat : IDisposable
{
    private const float Certain = 100;

    private readonly GptOssModel _model;
    private readonly List<string> _prompts = [];

    /// <param name="reply">Gives the tokens of the turn, from the prompt as text. The turn ends where they do.</param>
    /// <param name="beforeStep">What happens before each step, on the engine's thread.</param>
    /// <param name="timeProvider">The model's clock.</param>
    /// <param name="reasoningProtection">How reasoning is sealed.</param>
    /// <param name="loggerFactory">What the client logs to.</param>
    public ScriptedChat(
        Func<string, string> reply,
        Action<int>? beforeStep = null,
        TimeProvider? timeProvider = null,
        ReasoningProtection? reasoningProtection = null,
        ILoggerFactory? loggerFactory = null)
    {
        var replies = new Dictionary<string, int[]>(StringComparer.Ordinal);
        Executor = new ScriptedReplies(Read, HarmonyTokenizer.VocabularySize) { BeforeStep = beforeStep ?? (_ => { }) };
        _model = ScriptedModel.Create(
            Executor,
            maxModelLength: 4_096,
            maxSequences: 4, // few enough for their logits to stay in the cache of a processor
            maxStepTokens: 4_096,
            vocabularySize: HarmonyTokenizer.VocabularySize,
            timeProvider: timeProvider,
            reasoningProtection: reasoningProtection,
            loggerFactory: loggerFactory,
            cachesPrefixes: false); // the script is asked with whole prompts
        Client = _model.AsIChatClient();

        ScriptedReplies.Reply Read(ReadOnlySpan<int> prompt)
        {
            var text = HarmonyScript.Decode(prompt.ToArray());
            if (!replies.TryGetValue(text, out var ids))
            {
                _prompts.Add(text);
                SeePrompt(prompt.ToArray());
                replies[text] = ids = HarmonyScript.Encode(reply(text));
            }

            return (output, logits) => logits[output.Length < ids.Length ? ids[output.Length] : ControlToken.Return] = Certain;
        }
    }

    /// <summary>A client that always answers the same.</summary>
    public ScriptedChat(string reply)
        : this(_ => reply)
    {
    }

    /// <summary>Gets what happens with the tokens of a prompt that has not come before, on the engine's thread.</summary>
    public Action<int[]> SeePrompt { get; init; } = _ => { };

    public GptOssChatClient Client { get; }

    public ScriptedReplies Executor { get; }

    public GptOssModel Model => _model;

    /// <summary>Gets the different prompts that came, as text.</summary>
    public IReadOnlyList<string> Prompts => _prompts;

    /// <summary>The prompt of a conversation.</summary>
    public async Task<string> Prompt(IEnumerable<ChatMessage> messages, ChatOptions? options = null)
    {
        _prompts.Clear();
        await Client.GetResponseAsync(messages, options, TestContext.Current.CancellationToken);
        return _prompts.Single();
    }

    /// <summary>The prompt of a conversation, without asking the model.</summary>
    public string Render(IEnumerable<ChatMessage> messages, ChatOptions? options = null) => HarmonyScript.Decode(
        new HarmonyRenderer(_model.Tokenizer).RenderForCompletion(
            ChatRequest.MapMessages(messages, options ?? new ChatOptions(), Client, _model)));

    public Task<ChatResponse> Ask(string text = "Hello", ChatOptions? options = null) =>
        Client.GetResponseAsync(text, options, TestContext.Current.CancellationToken);

    public async Task<ChatResponseUpdate[]> Stream(string text = "Hello", ChatOptions? options = null)
    {
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in Client.GetStreamingResponseAsync(text, options, TestContext.Current.CancellationToken))
        {
            updates.Add(update);
        }

        return [.. updates];
    }

    public void Dispose() => _model.Dispose();
}
