using GptOss.Net;
using GptOss.Net.AspNetCore;
using Microsoft.Extensions.AI;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddGptOss("path/to/gpt-oss-20b");

var app = builder.Build();
app.MapOpenAI();
app.MapGet(
    "/ask",
    async (string question, IChatClient client, CancellationToken stop) =>
        (await client.GetResponseAsync(question, cancellationToken: stop)).Text);
await app.RunAsync();
