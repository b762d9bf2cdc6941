using DemoModel;
using GptOss.Net;
using GptOss.Net.AspNetCore;
using WebChat;

// The page and the API share one model and both ports. The command line, appsettings.json and environment variables configure it:
// --model PATH-OR-ID, --download, --page URL, --api URL, --browser false, --server:apiKeys:0 KEY and so on.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
var page = builder.Configuration["page"] ?? "http://127.0.0.1:7860";
var api = builder.Configuration["api"] ?? "http://127.0.0.1:8000";
builder.WebHost.UseUrls(page, api);
builder.Services.Configure<OpenAIServerOptions>(builder.Configuration.GetSection("server"));
builder.Services.AddResponseCompression(options => options.EnableForHttps = true);

// A port that is in use is told in one line, below; not as a stack as well.
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);

// The demonstration model is so small that it need not be held in bfloat16.
var model = builder.Configuration["model"];
builder.Services.AddGptOss(
    model ?? await DemoCheckpoint.ExtractAsync(),
    services => new GptOssModelOptions
    {
        Name = model is null ? "gpt-oss-nano" : null,
        Precision = model is null ? Precision.Float32 : Precision.Default,
        AllowDownload = builder.Configuration.GetValue("download", false),
        LoggerFactory = services.GetRequiredService<ILoggerFactory>(),
    });

var app = builder.Build();
app.UseChatPage();
app.MapOpenAI();
if (builder.Configuration.GetValue("browser", defaultValue: true))
{
    app.Lifetime.ApplicationStarted.Register(() => Browser.TryOpen(page));
}

return await app.RunServerAsync("--page or --api");
