using System.Runtime.CompilerServices;
using GptOss.Net.Chat;
using GptOss.Net.Checkpoint;
using GptOss.Net.Engine;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Harmony;
using GptOss.Net.Hub;
using GptOss.Net.Interop;
using GptOss.Net.Placement;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.Logging;

namespace GptOss.Net;

/// <summary>A gpt-oss model that is loaded and runs in this process.</summary>
/// <remarks>
/// Any number of threads may generate at once; their sequences are computed together. Load one model per process and share it:
/// it holds the weights. Dispose it to free them; generations that are still running then end with an
/// <see cref="ObjectDisposedException"/>.
/// </remarks>
public sealed partial class GptOssModel : IAsyncDisposable, IDisposable
{
    private readonly LoadedModel _model;
    private readonly GptOssModelOptions _options;
    private readonly Lazy<TokenMaskCache> _masks;

    internal GptOssModel(
        LoadedModel model, HarmonyTokenizer tokenizer, GptOssModelOptions options, string name, Lazy<TokenMaskCache>? masks = null)
    {
        (_model, Tokenizer, _options, Name) = (model, tokenizer, options, name);
        ReasoningSeal = new ReasoningSeal(options.ReasoningProtection);
        _masks = masks ?? new(() => new TokenMaskCache(TokenTrie.Create(tokenizer)));
    }

    /// <summary>Gets the model's name: that of the options, or the last part of its path or id, such as <c>gpt-oss-20b</c>.</summary>
    public string Name { get; }

    /// <summary>Gets the model's tokenizer. Thread-safe.</summary>
    public HarmonyTokenizer Tokenizer { get; }

    /// <summary>Gets which part of the model lies on which device.</summary>
    public PlacementPlan Placement => _model.Placement;

    /// <summary>Gets how many token ids there are: the length of a row of logits.</summary>
    public int VocabularySize => _model.Config.VocabularySize;

    /// <summary>Gets whether the model serves requests.</summary>
    public ModelHealth Health => _model.Loop.Health;

    /// <summary>Gets the most tokens of one sequence, prompt and output together.</summary>
    public int MaxModelLength => _model.MaxModelLength;

    /// <summary>Gets the most tokens of a prompt, after which one more fits.</summary>
    internal int MaxPromptLength => MaxModelLength - 1;

    internal ReasoningSeal ReasoningSeal { get; }

    /// <summary>Gets under which names it may be asked for besides its own.</summary>
    internal IReadOnlyList<string> Aliases { get; init; } = [];

    internal TimeProvider TimeProvider => _options.TimeProvider;

    internal ILoggerFactory LoggerFactory => _options.LoggerFactory;

    internal IReadOnlyList<DeviceBlockBytes> DeviceBlocks => _model.DeviceBlocks;

    internal TokenMaskCache Masks => _masks.Value;

    internal SchemaCache Schemas { get; } = new();

    /// <summary>Loads a checkpoint and places it on the devices.</summary>
    /// <param name="pathOrId">
    /// A directory with <c>config.json</c> and safetensors files, one of these files; a GGUF file, or a directory with one; a model that
    /// Ollama has downloaded, such as <c>ollama:gpt-oss:20b</c>; or the id of a Hugging Face repository such as <c>openai/gpt-oss-20b</c>:
    /// it is read from the shared Hugging Face cache, and downloaded to it first only where <see cref="GptOssModelOptions.AllowDownload"/>
    /// says so. Another file than those that are read from its directory is refused.
    /// </param>
    /// <param name="options">Placement, number format and limits; the defaults when <see langword="null"/>.</param>
    /// <param name="progress">Told how many bytes were downloaded and read, from the loading thread.</param>
    /// <param name="cancellationToken">Stops loading within a chunk of 16 MiB and frees what was loaded.</param>
    /// <returns>The model, ready to generate.</returns>
    /// <remarks>Loads on threads of its own: neither the caller's nor those of the thread pool.</remarks>
    /// <exception cref="CheckpointException">The checkpoint is missing, damaged or in a format that is not supported.</exception>
    /// <exception cref="ModelDownloadException">The model could not be downloaded.</exception>
    /// <exception cref="PlacementException">The model does not fit the devices.</exception>
    /// <exception cref="NativeLibraryException">libtorch cannot be loaded.</exception>
    public static Task<GptOssModel> LoadAsync(
        string pathOrId,
        GptOssModelOptions? options = null,
        IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        options ??= new GptOssModelOptions();
        options.Validate();

        return OwnThread.Run("GptOss.Net loading", () => Load(pathOrId, options, progress, cancellationToken));
    }

    /// <summary>Where the parts of a checkpoint would lie, with their bytes: nothing of it is read but names and shapes.</summary>
    /// <param name="pathOrId">A path or an id, as for <see cref="LoadAsync"/>.</param>
    /// <param name="options">Placement, precision and limits; the defaults when <see langword="null"/>.</param>
    /// <param name="memory">
    /// The free bytes of each device of another machine, such as two GPUs of 24 GiB. <see langword="null"/>: of this one, now.
    /// </param>
    /// <param name="cancellationToken">Stops a download, if one is allowed.</param>
    /// <returns>The plan that loading would follow.</returns>
    /// <exception cref="CheckpointException">The checkpoint is missing, damaged or in a format that is not supported.</exception>
    /// <exception cref="PlacementException">The model does not fit the devices; the message says what would.</exception>
    public static Task<PlacementPlan> PlanAsync(
        string pathOrId,
        GptOssModelOptions? options = null,
        IReadOnlyDictionary<DeviceId, long>? memory = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        options ??= new GptOssModelOptions();
        options.Validate();
        var ledger = memory is null ? MemoryLedger.OfProcess : new MemoryLedger(() => DeviceInventory.Of(memory));
        return OwnThread.Run("GptOss.Net planning", () =>
        {
            var settings = HubSettings.Read(options.HuggingFaceCacheDirectory, Environment.GetEnvironmentVariable);
            var path = ModelSource.ResolveAsync(pathOrId, options, settings, null, cancellationToken).GetAwaiter().GetResult();
            return new ModelLoader(options, pathOrId, ledger, null, cancellationToken).Plan(path);
        });
    }

    /// <summary>This model as a chat client. It may be asked for any number of times; disposing a client does nothing.</summary>
    /// <returns>A client that is safe for concurrent use.</returns>
    public GptOssChatClient AsIChatClient() => new(this);

    /// <summary>Continues a sequence of tokens.</summary>
    /// <param name="tokenIds">The prompt: at least one token.</param>
    /// <param name="options">How to choose tokens and when to stop; the defaults when <see langword="null"/>.</param>
    /// <param name="generation">Its place among other generations; the defaults when <see langword="null"/>.</param>
    /// <param name="cancellationToken">Ends the generation before its next step.</param>
    /// <returns>The tokens as they are generated; leaving the enumeration early ends the generation.</returns>
    /// <exception cref="ArgumentException">The prompt or the options are out of range.</exception>
    /// <exception cref="ContextLengthExceededException">The prompt is longer than <see cref="MaxModelLength"/> allows.</exception>
    /// <exception cref="TimeoutException">The generation did not end in time.</exception>
    /// <exception cref="GptOssBusyException">Too many requests wait.</exception>
    /// <exception cref="GptOssException">The generation failed.</exception>
    public IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> tokenIds,
        SamplingOptions? options = null,
        GenerationOptions? generation = null,
        CancellationToken cancellationToken = default) =>
        GenerateAsync(tokenIds, options, generation, null, cancellationToken);

    /// <summary>The logits that the model gives for the token after each token of a text.</summary>
    /// <param name="tokenIds">At least one token.</param>
    /// <param name="cancellationToken">Stops the computation.</param>
    /// <returns><c>[tokens, vocabulary]</c>.</returns>
    /// <exception cref="ArgumentException">There are no tokens, too many, or unknown ones.</exception>
    /// <exception cref="GptOssException">The computation failed.</exception>
    public Task<float[,]> ComputeLogitsAsync(IReadOnlyList<int> tokenIds, CancellationToken cancellationToken = default)
    {
        var prompt = CheckPrompt(tokenIds, MaxModelLength);
        var request = new LogitsRequest(
            new Sequence(prompt) { WantsAllLogits = true, Rank = new GenerationOptions().Rank(TimeProvider) }, cancellationToken);
        _model.Loop.Submit(request);
        return request.Completion;
    }

    /// <inheritdoc cref="ComputeLogitsAsync"/>
    /// <remarks>Blocks until the engine has computed them.</remarks>
    public float[,] ComputeLogits(IReadOnlyList<int> tokenIds, CancellationToken cancellationToken = default) =>
        ComputeLogitsAsync(tokenIds, cancellationToken).GetAwaiter().GetResult();

    /// <summary>Returns what the model does and has done. Cheap; any thread may ask, also after the model was disposed.</summary>
    /// <returns>The numbers of this moment.</returns>
    public GptOssModelStatistics GetStatistics() => _model.Loop.Counters.Snapshot();

    /// <summary>Returns what each device holds of the model and has left. Asks the devices' drivers.</summary>
    /// <returns>The devices of <see cref="Placement"/>, in its order.</returns>
    public IReadOnlyList<DeviceMemory> GetMemoryReport() =>
        MemoryReport.Create(Placement, DeviceBlocks, _model.Loop.Counters.CacheUsage, DeviceInventory.Take(), _model.MappedWeightBytes);

    /// <summary>Ends what is running and frees the weights and the cache.</summary>
    /// <returns>A task that completes when they are freed.</returns>
    public ValueTask DisposeAsync() => _model.DisposeAsync();

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <summary>Whether a name that a request gives means this model.</summary>
    internal bool IsCalled(string name) => Aliases.Append(Name).Contains(name, StringComparer.OrdinalIgnoreCase);

    private static GptOssModel Load(
        string pathOrId, GptOssModelOptions options, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
    {
        // While the weights are read, what every chat needs: the first one does not have to wait for it.
        var tokens = OwnThread.Run("GptOss.Net tokens", static () =>
        {
            var tokenizer = HarmonyTokenizer.Create();
            return (Tokenizer: tokenizer, Masks: new TokenMaskCache(TokenTrie.Create(tokenizer)));
        });
        var name = options.Name ?? ModelName.Of(pathOrId);
        var settings = HubSettings.Read(options.HuggingFaceCacheDirectory, Environment.GetEnvironmentVariable);
        var path = ModelSource.ResolveAsync(pathOrId, options, settings, progress, cancellationToken).GetAwaiter().GetResult();
        options = options with { RepackCacheDirectory = options.RepackCacheDirectory ?? settings.RepackCacheDirectory };
        var model = new ModelLoader(options, name, MemoryLedger.OfProcess, progress, cancellationToken).Load(path);
        try
        {
            var (tokenizer, masks) = tokens.GetAwaiter().GetResult();
            return new GptOssModel(model, tokenizer, options, name, new Lazy<TokenMaskCache>(masks))
            {
                Aliases = ModelName.AliasesOf(pathOrId),
            };
        }
        catch
        {
            model.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <param name="tokenIds">The prompt.</param>
    /// <param name="options">How to choose tokens.</param>
    /// <param name="generation">The place among other generations.</param>
    /// <param name="constraint">What may come next, for a single answer.</param>
    /// <param name="cancellationToken">Ends the generation.</param>
    internal IAsyncEnumerable<GeneratedToken> GenerateAsync(
        IReadOnlyList<int> tokenIds,
        SamplingOptions? options,
        GenerationOptions? generation,
        ITokenConstraint? constraint,
        CancellationToken cancellationToken)
    {
        // Checked here, not in the iterator, so that a mistake shows at the call.
        options ??= new SamplingOptions();
        options.Validate(VocabularySize);
        generation ??= new GenerationOptions();
        generation.Validate();
        var prompt = CheckPrompt(tokenIds, MaxPromptLength);
        return Stream(prompt, options, generation, constraint, cancellationToken);
    }

    private async IAsyncEnumerable<GeneratedToken> Stream(
        int[] prompt,
        SamplingOptions options,
        GenerationOptions generation,
        ITokenConstraint? constraint,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var stream = new GenerationStream(options.AnswerCount);
        _model.Loop.Submit(new GenerationRequestFactory(Tokenizer, MaxModelLength, TimeProvider)
            .Create(prompt, options, generation, constraint, stream, cancellationToken));
        try
        {
            await foreach (var token in stream.Tokens.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                stream.Read();
                yield return token;
            }
        }
        finally
        {
            // A reader that left early must not leave its sequences running.
            stream.Abandon();
        }
    }

    private int[] CheckPrompt(IReadOnlyList<int> tokenIds, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(tokenIds);
        if (tokenIds.Count == 0)
        {
            throw new ArgumentException("The prompt is empty; it needs at least one token.", nameof(tokenIds));
        }

        if (tokenIds.Count > maxLength)
        {
            throw new ContextLengthExceededException(tokenIds.Count, maxLength, nameof(tokenIds));
        }

        var prompt = tokenIds.ToArray();
        var unknown = Array.FindIndex(prompt, id => id < 0 || id >= VocabularySize);
        return unknown < 0
            ? prompt
            : throw new ArgumentOutOfRangeException(
                nameof(tokenIds), prompt[unknown],
                $"Token {unknown} of the prompt is {prompt[unknown]}; ids are 0 to {VocabularySize - 1}.");
    }
}
