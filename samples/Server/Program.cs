using DemoModel;
using GptOss.Net;
using GptOss.Net.AspNetCore;

// The command line, appsettings.json and environment variables configure it: --model, --urls, --server:apiKeys:0 and so on.
var builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://127.0.0.1:8000";
builder.Services.Configure<OpenAIServerOptions>(builder.Configuration.GetSection("server"));

// A port that is in use is told in one line, below; not as a stack as well.
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);

// The demonstration model is so small that it need not be held in bfloat16.
var model = builder.Configuration["model"];
var options = model is null ? new GptOssModelOptions { Name = "gpt-oss-nano", Precision = Precision.Float32 } : new GptOssModelOptions();
builder.Services.AddGptOss(model ?? await DemoCheckpoint.ExtractAsync(), _ => options);

var app = builder.Build();
app.MapOpenAI();
return await app.RunServerAsync();
