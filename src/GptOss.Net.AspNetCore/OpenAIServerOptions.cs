namespace GptOss.Net.AspNetCore;

/// <summary>What the server takes and whom it answers. The defaults are for one machine behind its own loopback address.</summary>
public sealed class OpenAIServerOptions
{
    /// <summary>Gets or sets the model's id in requests and answers. Default <see langword="null"/>: the chat client's own.</summary>
    public string? ModelId { get; set; }

    /// <summary>Gets other names that requests may ask for. Default none.</summary>
    public ISet<string> ModelAliases { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>
    /// Gets or sets a value indicating whether any model's name is answered: some agents ask for a second, small model by a fixed name.
    /// Default <see langword="false"/>: an unknown name is a 404.
    /// </summary>
    public bool AnswersToAnyName { get; set; }

    /// <summary>
    /// Gets the keys that callers authenticate with, as bearer token or <c>x-api-key</c>. Default none: everybody may call. Each key's
    /// prompts and stored responses are its own.
    /// </summary>
    public ISet<string> ApiKeys { get; } = new HashSet<string>(StringComparer.Ordinal);

    /// <summary>
    /// Gets the host names that requests may be addressed to, so that a page in a browser cannot reach the server under a name of its
    /// own. Default <c>localhost</c>, <c>127.0.0.1</c> and <c>[::1]</c>; <c>*</c> allows any.
    /// </summary>
    public ISet<string> AllowedHosts { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "localhost", "127.0.0.1", "[::1]" };

    /// <summary>
    /// Gets the origins of pages that may call, such as <c>https://chat.example</c>, besides the server's own. Default none. Answers carry
    /// no CORS headers by themselves; add ASP.NET Core's CORS middleware for pages of other origins.
    /// </summary>
    public ISet<string> AllowedOrigins { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gets or sets the most bytes of a body. Default 4 MiB.</summary>
    public long MaxRequestBodySize { get; set; } = 4 << 20;

    /// <summary>Gets or sets the most messages, or items, of a conversation. Default 2,048.</summary>
    public int MaxMessages { get; set; } = 2_048;

    /// <summary>Gets or sets the most tools of a request. Default 128.</summary>
    public int MaxTools { get; set; } = 128;

    /// <summary>Gets or sets the most answers to one prompt (<c>n</c>). Default 8.</summary>
    public int MaxChoices { get; set; } = 8;

    /// <summary>
    /// Gets or sets the most answers that are computed or wait at the same time; others get 429. Each of several answers to one prompt
    /// counts. Default <see langword="null"/>: those that the model generates at once
    /// (<see cref="PlacementPlan.MaxConcurrentSequences"/>), and as many again that wait, at least 64; 128 for a client that is no
    /// <see cref="GptOssModel"/>.
    /// </summary>
    public int? MaxConcurrentAnswers { get; set; }

    /// <summary>Gets or sets the most of these for one API key. Default <see langword="null"/>: as many as there are.</summary>
    public int? MaxConcurrentAnswersPerKey { get; set; }

    /// <summary>
    /// Gets or sets after which time a request ends with an error. Default 10 minutes. A client may ask for less with the header
    /// <c>X-Stainless-Timeout</c>, in seconds.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Gets or sets how long running requests may go on when the host stops. Default 25 seconds.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Gets or sets after which silence a stream sends something that clients ignore. Default 15 seconds.</summary>
    public TimeSpan KeepAliveInterval { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Gets or sets what the events of reasoning are called in streams of responses. Default OpenAI's names.</summary>
    public ReasoningEventNames ReasoningEventNames { get; set; }

    /// <summary>Gets or sets the most responses that are kept for continuation. Default 1,000; the oldest go first.</summary>
    public int MaxStoredResponses { get; set; } = 1_000;

    /// <summary>Gets or sets the most bytes of them. Default 64 MiB.</summary>
    public long MaxStoredResponseBytes { get; set; } = 64 << 20;

    /// <summary>Gets or sets how long they are kept. Default 24 hours.</summary>
    public TimeSpan StoredResponseLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Gets or sets of how many calls in chat completions the reasoning is remembered, for clients that send a call back without it.
    /// Default 1,000; 0 for none.
    /// </summary>
    public int MaxRememberedCalls { get; set; } = 1_000;

    /// <summary>Gets or sets a value indicating whether answers come without their reasoning. Default <see langword="false"/>.</summary>
    public bool HidesReasoning { get; set; }
}
