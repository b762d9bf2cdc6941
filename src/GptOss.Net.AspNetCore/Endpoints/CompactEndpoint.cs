using System.Text;
using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// <c>POST /v1/responses/compact</c>: a short conversation is sealed as it is; of a long one the last user messages stay, and the model
/// sums up the rest.
/// </summary>
internal sealed class CompactEndpoint(OpenAIServer server, ResponseRunner runner)
{
    private const int ShortLength = 8_000; // characters of all texts
    private const int KeptUserMessages = 2;
    private const string Instructions =
        "Sum up the conversation so far for yourself: what was asked, what was found and decided, "
        + "names and numbers, and what is still to do.";

    public async Task HandleAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.ResponseRequest).ConfigureAwait(false);
        Check.Required(body.Model, "model");
        var plan = await runner.PlanAsync(body, request.Caller, request.Ended).ConfigureAwait(false);
        IReadOnlyList<JsonElement> items = [.. plan.Context, .. plan.Input];
        var usage = new UsageDetails();
        var kept = new List<ResponseItem>();
        if (plan.Call.Messages.Sum(message => message.Text.Length) > ShortLength)
        {
            kept = KeptMessages(plan.Call.Messages);
            items = [await SumUpAsync(request, plan, usage).ConfigureAwait(false)];
        }

        var sealedItems = server.Compactions.Seal(items);
        var reply = new CompactionBody(
            "resp_" + Guid.NewGuid().ToString("N"),
            server.Time.GetUtcNow().ToUnixTimeSeconds(),
            [.. kept, new CompactionItem { Id = "cmp_" + Guid.NewGuid().ToString("N"), EncryptedContent = sealedItems }],
            UsageMapper.ToResponse(usage));
        await JsonBody.WriteAsync(request.Http, reply, ReplyJson.Default.CompactionBody).ConfigureAwait(false);
    }

    private async Task<JsonElement> SumUpAsync(ServedRequest request, ResponsePlan plan, UsageDetails usage)
    {
        using var place = server.Admission.Enter(request.Caller, 1);
        var options = plan.Call.Options.Clone();
        (options.Tools, options.ToolMode, options.ResponseFormat) = (null, null, null);
        options.Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low };
        var summary = new StringBuilder();
        IEnumerable<ChatMessage> messages = [.. plan.Call.Messages, new ChatMessage(ChatRole.User, Instructions)];
        await foreach (var update in server.Client.GetStreamingResponseAsync(messages, options, request.Ended).ConfigureAwait(false))
        {
            summary.Append(update.Text);
            foreach (var used in update.Contents.OfType<UsageContent>())
            {
                usage.Add(used.Details);
            }
        }

        return ResponseInput.Write(writer =>
        {
            writer.WriteString("type", "message");
            writer.WriteString("role", "developer");
            writer.WriteString("content", $"The conversation before this, summed up:\n\n{summary}");
        });
    }

    private static List<ResponseItem> KeptMessages(IReadOnlyList<ChatMessage> messages) =>
    [
        .. messages.Where(message => message.Role == ChatRole.User).TakeLast(KeptUserMessages).Select(message => new MessageItem
        {
            Id = "msg_" + Guid.NewGuid().ToString("N"),
            Status = "completed",
            Role = "user",
            Content = [new InputTextPart(message.Text)],
        }),
    ];
}
