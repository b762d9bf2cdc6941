using System.Text.Json.Serialization.Metadata;

namespace GptOss.Net;

/// <summary>
/// What a request can ask of this library beyond <see cref="Microsoft.Extensions.AI.ChatOptions"/>; returned by
/// <see cref="Microsoft.Extensions.AI.ChatOptions.RawRepresentationFactory"/>.
/// </summary>
/// <example>
/// <code>
/// var options = new ChatOptions { RawRepresentationFactory = _ => new GptOssRequestOptions { MinP = 0.05 } };
/// </code>
/// </example>
public sealed record GptOssRequestOptions
{
    internal const int LeastRepetitionLimit = 2;

    /// <summary>Gets the least probability of a token relative to the most probable one's. Default 0: off.</summary>
    /// <seealso cref="SamplingOptions.MinP"/>
    public double MinP { get; init; }

    /// <summary>Gets the repetition penalty. Default 1: off.</summary>
    /// <seealso cref="SamplingOptions.RepetitionPenalty"/>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Gets what is added to the logits of single tokens. Default <see langword="null"/>: nothing.</summary>
    /// <seealso cref="SamplingOptions.LogitBias"/>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>
    /// Gets a value indicating whether each <see cref="GeneratedToken"/> in the raw representation of a response or of an update has its
    /// log-probability. Default <see langword="false"/>.
    /// </summary>
    public bool LogProbabilities { get; init; }

    /// <summary>Gets how many of the most probable tokens it has as well, 0 to 20. Default 0.</summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>
    /// Gets the most tokens of reasoning in a turn, at least 0. When they are used up the reasoning is cut off and the answer, or a
    /// call, begins. Default <see langword="null"/>: as many as the model likes.
    /// </summary>
    public int? ReasoningBudget { get; init; }

    /// <summary>
    /// Gets after how many times in succession of the same passage, of 1 to 200 tokens, a message ends and the response with it, at least
    /// 2; the finish reason is <see cref="GptOssChatClient.RepetitionFinishReason"/>. Default <see langword="null"/>: never.
    /// </summary>
    public int? RepetitionLimit { get; init; }

    /// <summary>
    /// Gets the names of the functions that may be called, of those in <see cref="Microsoft.Extensions.AI.ChatOptions.Tools"/>. The model
    /// is told of all of them, so the prompt stays as it is, and what the cache holds of it, while the choice changes from turn to turn.
    /// <see cref="Microsoft.Extensions.AI.ChatOptions.ToolMode"/> says whether one of them must be called.
    /// Default <see langword="null"/>: all.
    /// </summary>
    public IReadOnlyList<string>? AllowedTools { get; init; }

    /// <summary>
    /// Gets the texts of which the answer is one, word for word; the reasoning and calls of functions stay as they are. Default
    /// <see langword="null"/>: any. Not together with <see cref="Regex"/>, <see cref="Grammar"/> or a response format.
    /// </summary>
    /// <example><code>new GptOssRequestOptions { Choice = ["positive", "neutral", "negative"] }</code></example>
    public IReadOnlyList<string>? Choice { get; init; }

    /// <summary>
    /// Gets the regular expression, in ECMAScript's syntax, that the answer matches as a whole; the reasoning and calls of functions stay
    /// as they are. Default <see langword="null"/>: any. Back references and inline options cannot be enforced: the request is refused.
    /// </summary>
    /// <example><code>new GptOssRequestOptions { Regex = @"\d{4}-\d{2}-\d{2}" }</code></example>
    public string? Regex { get; init; }

    /// <summary>
    /// Gets the grammar, in Lark's notation, that the answer follows from its rule <c>start</c>; the reasoning and calls of functions stay
    /// as they are. The model is not told of it: say in the prompt what to write. docs/structured-output.md says which part of the notation
    /// there is; what is beyond it is refused, with the line and the column. Default <see langword="null"/>: any.
    /// </summary>
    /// <example>
    /// <code>
    /// new GptOssRequestOptions
    /// {
    ///     Grammar = """
    ///         start: move ("," " " move)*
    ///         move: ("up" | "down" | "left" | "right") " " /[1-9]/
    ///         """,
    /// }
    /// </code>
    /// </example>
    public string? Grammar { get; init; }

    /// <summary>
    /// Gets the type that an answer in JSON is deserialized to. Its schema takes the place of the response format's, which says less: a
    /// schema of <see cref="int"/> is one of any whole number, that of bytes any text. Also the keys of dictionaries,
    /// <see cref="Version"/>, <see cref="TimeSpan"/> and addresses of the web (for <see cref="Uri"/>) are bounded by it. Default
    /// <see langword="null"/>: the response format as it is.
    /// </summary>
    /// <example>
    /// <code>
    /// var own = new GptOssRequestOptions { ResponseType = json.GetTypeInfo(typeof(Order)) };
    /// var options = new ChatOptions { RawRepresentationFactory = _ => own };
    /// var order = await client.GetResponseAsync&lt;Order&gt;(messages, json, options);
    /// </code>
    /// </example>
    public JsonTypeInfo? ResponseType { get; init; }

    /// <summary>Gets how urgent the request is. Default 0.</summary>
    /// <seealso cref="GenerationOptions.Priority"/>
    public int Priority { get; init; }

    /// <summary>
    /// Gets after which time the request ends with a <see cref="TimeoutException"/>. Default <see langword="null"/>: never.
    /// </summary>
    /// <seealso cref="GenerationOptions.Timeout"/>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets how many tokens may wait for their reader. Default <see langword="null"/>: as many as the context has.</summary>
    /// <seealso cref="GenerationOptions.MaxUnreadTokens"/>
    public int? MaxUnreadTokens { get; init; }

    /// <summary>Gets whom the request shares computed prompts with. Default <see langword="null"/>: all that name nothing.</summary>
    /// <seealso cref="GenerationOptions.CacheSalt"/>
    public string? CacheSalt { get; init; }

    /// <summary>
    /// Gets the date that the model is told. Default <see langword="null"/>: today, by <see cref="GptOssModelOptions.TimeProvider"/>.
    /// </summary>
    public DateOnly? CurrentDate { get; init; }
}
