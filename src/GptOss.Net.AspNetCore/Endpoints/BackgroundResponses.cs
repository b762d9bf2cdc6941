using System.Collections.Concurrent;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>Responses that are made while nobody waits, and that can be asked for, listened to and cancelled.</summary>
internal sealed class BackgroundResponses(OpenAIServer server, ResponseRunner runner)
{
    private readonly ConcurrentDictionary<string, BackgroundResponse> _running = new(StringComparer.Ordinal);
    private readonly ILogger _logger = server.Loggers.CreateLogger("GptOss.Net.AspNetCore");

    /// <summary>Begins one, or refuses it as any other request.</summary>
    public async Task<BackgroundResponse> StartAsync(ResponsePlan plan)
    {
        var place = server.Admission.Enter(plan.Caller, 1);
        var run = new BackgroundResponse(plan, server.Options.RequestTimeout, server.Drain.Ended);
        PrimedStream<ChatResponseUpdate> turn;
        try
        {
            turn = runner.Begin(plan, run.Ended);
        }
        catch
        {
            place.Dispose();
            run.Dispose();
            throw;
        }

        await runner.StoreAsync(plan, plan.Start, null).ConfigureAwait(false);
        _running[plan.Start.Id] = run;
        _ = Task.Run(() => RunAsync(run, turn, place));
        return run;
    }

    public BackgroundResponse? Find(string caller, string id) =>
        _running.TryGetValue(id, out var run) && string.Equals(run.Plan.Caller, caller, StringComparison.Ordinal) ? run : null;

    private async Task RunAsync(BackgroundResponse run, PrimedStream<ChatResponseUpdate> turn, IDisposable place)
    {
        using (place)
        {
            await using (turn.ConfigureAwait(false))
            {
                var builder = runner.Builder(run.Plan, run.Add);
                var body = await BuildAsync(run, turn, builder).ConfigureAwait(false);
                await runner.StoreAsync(run.Plan, body, builder).ConfigureAwait(false);
            }
        }

        run.Complete();
        _running.TryRemove(run.Plan.Start.Id, out _);
    }

    private async Task<ResponseBody> BuildAsync(BackgroundResponse run, PrimedStream<ChatResponseUpdate> turn, ResponseBuilder builder)
    {
        try
        {
            builder.Start();
            while (await turn.MoveNextAsync().ConfigureAwait(false))
            {
                builder.Add(turn.Current);
            }

            return builder.Finish();
        }
        catch (OperationCanceledException) when (run.IsCancelled)
        {
            return builder.Cancel();
        }
#pragma warning disable CA1031 // whatever it was, the response failed
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.BackgroundResponseFailed(run.Plan.Start.Id, exception);
            return builder.Fail(exception is OperationCanceledException
                ? server.Drain.Ended.IsCancellationRequested ? Drain.Error() : RequestError.TimedOut(server.Options.RequestTimeout)
                : ErrorMapper.Map(exception));
        }
    }
}
