using Replicas;

// One address in front of several servers (samples/Server), on this machine or on others:
//   dotnet run --project samples/Replicas -- --replicas:0 http://127.0.0.1:8001 --replicas:1 http://127.0.0.1:8002
var builder = WebApplication.CreateBuilder(args);
builder.Configuration["urls"] ??= "http://127.0.0.1:8000";
var replicas = builder.Configuration.GetSection("replicas").Get<string[]>() ?? ["http://127.0.0.1:8001", "http://127.0.0.1:8002"];
builder.Services.AddReplicas(replicas, key: builder.Configuration["key"]);
var app = builder.Build();
app.MapReplicas();
await app.RunAsync();
