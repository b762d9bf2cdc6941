using GptOss.Net;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddGptOss("path/to/gpt-oss-20b");
builder.Services.AddHostedService<Weather>();
await builder.Build().RunAsync();

/// <summary>An agent that asks for the weather once, tells it, and ends the program.</summary>
sealed class Weather(IChatClient client, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var weather = AIFunctionFactory.Create((string location) => $"18 degrees and sunny in {location}", "get_weather");
        AIAgent agent = client.AsAIAgent(instructions: "You are helpful.", tools: [weather]);
        Console.WriteLine(await agent.RunAsync("What is the weather in Paris?", cancellationToken: stoppingToken));
        lifetime.StopApplication();
    }
}
