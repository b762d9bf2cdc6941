using GptOss.Net.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace GptOss.Net.Tool;

/// <summary>
/// The server of GptOss.Net.AspNetCore; keys and limits come from the section <c>server</c> of appsettings.json and the environment.
/// </summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(string pathOrId, GptOssModelOptions options, string urls, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls(urls);
        builder.Services.Configure<OpenAIServerOptions>(builder.Configuration.GetSection("server"));
        builder.Services.AddGptOss(pathOrId, _ => options);
        var app = builder.Build();
        app.MapOpenAI();
        return await app.RunServerAsync("--urls", cancellationToken);
    }
}
