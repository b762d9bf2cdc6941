using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Starting a server: its command line, and addresses that it cannot have.</summary>
public sealed class RunTests
{
    [Theory]
    [InlineData("in use", "address already in use: end the program that has the port, or take another port")]
    [InlineData("192.0.2.1", "take an address that this machine has")]
    public async Task An_address_that_cannot_be_had_is_one_line_in_the_log_that_says_what_to_change(string kind, string expected)
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        var url = kind == "in use" ? $"http://127.0.0.1:{port}" : $"http://{kind}:{port}";
        using var log = new LineLogger();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.ClearProviders().AddProvider(log).AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.Services.AddSingleton<IChatClient>(ScriptedChatClient.Saying("x"));
        var app = builder.Build();
        app.MapOpenAI();

        (await app.RunServerAsync(cancellationToken: TestContext.Current.CancellationToken)).Should().Be(1);

        log.Lines.Should().ContainSingle().Which.Should().Contain(expected).And.EndWith("by --urls http://127.0.0.1:PORT.");
        if (kind == "in use")
        {
            log.Lines.Single().Should().Contain(url);
        }
    }

    [Fact]
    public async Task Options_of_the_command_line_reach_the_server()
    {
        var configuration = new ConfigurationBuilder().AddCommandLine(
        [
            "--server:apiKeys:0", "first", "--server:apiKeys:1", "second", "--server:allowedHosts:3", "gpt.example",
            "--server:maxConcurrentAnswers", "7",
            "--server:requestTimeout", "00:01:00",
        ]).Build();
        await using var server = await TestServer.StartAsync(
            ScriptedChatClient.Saying("x"),
            services: services => services.Configure<OpenAIServerOptions>(configuration.GetSection("server")));
        (await server.GetAsync("/v1/models")).Status.Should().Be(HttpStatusCode.Unauthorized);
        (await server.GetAsync("/v1/models", ("x-api-key", "second"))).Status.Should().Be(HttpStatusCode.OK);
        (await server.GetAsync("/v1/models", ("Authorization", "Bearer first"), ("Host", "gpt.example"))).Status.Should()
            .Be(HttpStatusCode.OK);
        (await server.GetAsync("/v1/models", ("Authorization", "Bearer first"), ("Host", "other.example"))).Status.Should()
            .Be(HttpStatusCode.Forbidden);
        var options = server.Services.GetRequiredService<Microsoft.Extensions.Options.IOptions<OpenAIServerOptions>>().Value;
        options.MaxConcurrentAnswers.Should().Be(7);
        options.RequestTimeout.Should().Be(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Kestrels_configuration_makes_it_HTTPS()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        var request = new CertificateRequest("CN=server", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var folder = new TemporaryDirectory();
        var path = folder.File("server.pfx");
        await File.WriteAllBytesAsync(path, certificate.Export(X509ContentType.Pfx, "secret"), TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateBuilder(
        [
            "--Kestrel:Endpoints:Https:Url", "https://127.0.0.1:0", "--Kestrel:Endpoints:Https:Certificate:Path", path,
            "--Kestrel:Endpoints:Https:Certificate:Password", "secret",
        ]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IChatClient>(ScriptedChatClient.Saying("x"));
        await using var app = builder.Build();
        app.MapOpenAI();
        await app.StartAsync(TestContext.Current.CancellationToken);

        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(certificate);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = trust } });
        var models = new Uri(app.Urls.Single() + "/v1/models");
        (await http.GetStringAsync(models, TestContext.Current.CancellationToken)).Should().Contain("scripted");
    }

    private sealed class LineLogger : ILoggerProvider, ILogger
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Lines.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
        }
    }
}
