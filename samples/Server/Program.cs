using GptOss.Net.AspNetCore;
using Microsoft.Extensions.AI;
using Server;

// The command line, appsettings.json and environment variables configure it: --model, --urls, --server:apiKeys:0 and so on.
var builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://127.0.0.1:8000";
builder.Services.Configure<OpenAIServerOptions>(builder.Configuration.GetSection("server"));
builder.Services.AddSingleton<LoadingModel>();
builder.Services.AddSingleton<IModelStatus>(services => services.GetRequiredService<LoadingModel>());
builder.Services.AddSingleton<IChatClient>(services => services.GetRequiredService<LoadingModel>());
builder.Services.AddHostedService(services => services.GetRequiredService<LoadingModel>());

var app = builder.Build();
app.MapOpenAI();
await app.RunAsync();
