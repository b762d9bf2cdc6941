using System.Globalization;
using Microsoft.Extensions.Configuration;

// Several servers (samples/Server), the proxy in front of them (samples/Replicas) and Aspire's dashboard:
//   dotnet run --project samples/AppHost -- --replicas 2 --model DIRECTORY
// The API is at http://127.0.0.1:8000/v1; the dashboard's address is printed.
var builder = DistributedApplication.CreateBuilder(args);
var model = builder.Configuration["model"];
var proxy = builder.AddProject<Projects.Replicas>("proxy").WithHttpEndpoint(port: 8000, name: "http").WithExternalHttpEndpoints();
for (var i = 0; i < builder.Configuration.GetValue("replicas", 2); i++)
{
    var number = i.ToString(CultureInfo.InvariantCulture);
    var server = builder.AddProject<Projects.Server>("server-" + number)
        .WithHttpEndpoint(name: "http")
        .WithHttpHealthCheck("/health/ready");
    if (model is not null)
    {
        server.WithArgs("--model", model);
    }

    proxy.WithEnvironment("replicas__" + number, server.GetEndpoint("http")).WaitFor(server);
}

await builder.Build().RunAsync();
