using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Operations;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>/health/live</c>, <c>/health/ready</c> and <c>/v1/status</c>.</summary>
internal sealed class HealthEndpoint(OpenAIServer server)
{
    private static readonly TimeSpan StatusInterval = TimeSpan.FromSeconds(1);

    /// <summary>Says that the process answers; nothing else, because anybody may ask.</summary>
    public static Task LiveAsync(ServedRequest request)
    {
        request.Http.Response.ContentType = "text/plain";
        return request.Http.Response.WriteAsync("ok", request.Ended);
    }

    public Task ReadyAsync(ServedRequest request)
    {
        var health = Health();
        request.Http.Response.StatusCode = health.Status is "ready" ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return JsonBody.WriteAsync(request.Http, health, ReplyJson.Default.HealthReply);
    }

    /// <summary>What the server does; with <c>?stream=true</c> once a second.</summary>
    public async Task StatusAsync(ServedRequest request)
    {
        if (!string.Equals(request.Http.Request.Query["stream"], "true", StringComparison.OrdinalIgnoreCase))
        {
            await JsonBody.WriteAsync(request.Http, Status(), ReplyJson.Default.StatusReply).ConfigureAwait(false);
            return;
        }

        var stream = EventStream.Start(request);
        await using (stream.ConfigureAwait(false))
        {
            using var timer = new PeriodicTimer(StatusInterval, server.Time);
            do
            {
                stream.Write(null, Status(), ReplyJson.Default.StatusReply);
                await stream.FlushAsync(request.Ended).ConfigureAwait(false);
            }
            while (!server.Drain.HasBegun && await timer.WaitForNextTickAsync(request.Ended).ConfigureAwait(false));
        }
    }

    private HealthReply Health()
    {
        var status = server.Status;
        return new HealthReply(Word(status.State), server.ModelId)
        {
            Progress = status is { State: ModelState.Loading, Progress: { } load } ? Progress(load) : null,
            Error = status.Failure,
        };
    }

    private static ProgressReply Progress(LoadProgress load) => new(
        load.Stage switch
        {
            LoadStage.Downloading => "downloading",
            LoadStage.Compiling => "compiling",
            _ => "reading",
        },
        load.ReadBytes,
        load.TotalBytes)
    {
        FinishedFiles = load.TotalFiles > 0 ? load.FinishedFiles : null,
        TotalFiles = load.TotalFiles > 0 ? load.TotalFiles : null,
    };

    private StatusReply Status()
    {
        var health = Health();
        var statistics = server.Status.Model?.GetStatistics();
        return new StatusReply(health.Status, health.Model)
        {
            Progress = health.Progress,
            Error = health.Error,
            Requests = statistics is null
                ? new RequestCounts(server.Admission.Answers, 0)
                : new RequestCounts(statistics.RunningRequests, statistics.WaitingRequests),
            TokensPerSecond = statistics?.GeneratedTokensPerSecond,
            PromptTokensPerSecond = statistics?.PromptTokensPerSecond,
            PrefixHitRate = statistics?.PrefixHitRate,
            MaxModelLen = server.Status.Model?.MaxModelLength,
            Memory = server.Status.Model?.GetMemoryReport().Select(device => new DeviceStatus(
                device.Device.ToString(), device.TotalBytes, device.WeightBytes, device.KVBytes, device.KVBytesUsed, device.WorkspaceBytes,
                device.FreeBytes))
                .ToList(),
        };
    }

    private string Word(ModelState state) => server.Drain.HasBegun ? "draining" : state switch
    {
        ModelState.Loading => "loading",
        ModelState.Ready => "ready",
        _ => "failed",
    };
}
