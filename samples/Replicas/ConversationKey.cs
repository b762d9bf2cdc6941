using System.Text.Json;
using System.Text.RegularExpressions;

namespace Replicas;

/// <summary>
/// Reads which conversation a request belongs to: by the names that clients give it, or by its beginning, which a replica's cache holds.
/// </summary>
internal sealed partial class ConversationKey(RequestDelegate next)
{
    private const int MaxBody = 4 << 20; // as the servers take
    private const int PromptBeginning = 1_024;
    private static readonly object Item = new();

    public static Conversation Of(HttpContext context) => context.Items[Item] as Conversation ?? new Conversation(null, null);

    public async Task InvokeAsync(HttpContext context)
    {
        var id = StoredResponse().Match(context.Request.Path) is { Success: true } match ? match.Groups[1].Value : null;
        var conversation = new Conversation(id, null);
        if (HttpMethods.IsPost(context.Request.Method) && context.Request.HasJsonContentType())
        {
            // Kept, so that another replica can be asked if the first one does not take it.
            context.Request.EnableBuffering(MaxBody);
            conversation = await ReadAsync(context.Request, conversation);
            context.Request.Body.Position = 0;
        }

        context.Items[Item] = conversation;
        await next(context);
    }

    private static async Task<Conversation> ReadAsync(HttpRequest request, Conversation known)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(request.Body, cancellationToken: request.HttpContext.RequestAborted);
            var root = body.RootElement;
            return root.ValueKind == JsonValueKind.Object
                ? new Conversation(
                    known.ResponseId ?? Text(root, "previous_response_id"), Text(root, "prompt_cache_key") ?? Beginning(root))
                : known;
        }
        catch (JsonException)
        {
            return known; // the replica tells what is wrong
        }
    }

    /// <summary>The instructions and the first message of the user: they stay while the conversation grows.</summary>
    private static string? Beginning(JsonElement root)
    {
        var messages = root.TryGetProperty("messages", out var chat) ? chat : root.TryGetProperty("input", out var input) ? input : default;
        var first = messages.ValueKind == JsonValueKind.Array
            ? string.Concat(
                messages.EnumerateArray().TakeWhile(NotUser).Concat(messages.EnumerateArray().SkipWhile(NotUser).Take(1))
                    .Select(message => message.GetRawText()))
            : messages.ValueKind == JsonValueKind.String ? messages.GetString()
            : Text(root, "prompt") is { } prompt ? prompt[..Math.Min(prompt.Length, PromptBeginning)]
            : null;
        return first is { Length: > 0 } ? Text(root, "system") + Text(root, "instructions") + first : null;
    }

    private static bool NotUser(JsonElement message) => message.ValueKind == JsonValueKind.Object && Text(message, "role") is not "user";

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;

    [GeneratedRegex("^/v1/responses/(resp_[0-9a-f]+)")]
    private static partial Regex StoredResponse();
}
