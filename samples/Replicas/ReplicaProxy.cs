using System.Globalization;
using System.Net.Http.Headers;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Transforms;

namespace Replicas;

/// <summary>A reverse proxy whose conversations stay with the replica that holds their prefix, while that one is healthy.</summary>
internal static class ReplicaProxy
{
    private const string Cluster = "replicas";
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(10);

    /// <param name="services">The application's services.</param>
    /// <param name="replicas">The addresses of the servers.</param>
    /// <param name="key">The API key for their readiness, where they have keys.</param>
    /// <param name="probe">How often readiness is asked for.</param>
    public static void AddReplicas(
        this IServiceCollection services, IReadOnlyList<string> replicas, string? key = null, TimeSpan? probe = null)
    {
        services.AddSingleton<ResponsePlaces>();
        services.AddSingleton<ILoadBalancingPolicy, PrefixPolicy>();
        services.AddReverseProxy()
            .LoadFromMemory([Route()], [ClusterOf(replicas, probe ?? TimeSpan.FromSeconds(2))])
            .ConfigureHttpClient((_, handler) => handler.ConnectTimeout = TimeSpan.FromSeconds(2))
            .AddTransforms(transforms => transforms.AddResponseTransform(context =>
            {
                // A replica that drains, loads or is full has begun nothing: another one may answer instead.
                context.SuppressResponseBody = Retry.IsWorthTrying(context.ProxyResponse) && Retry.CanTryAnother(context.HttpContext);
                return ValueTask.CompletedTask;
            }));
        services.AddHttpClient();
        services.AddSingleton<Yarp.ReverseProxy.Health.IProbingRequestFactory>(new ReadinessRequest(key));
    }

    public static void MapReplicas(this WebApplication app) => app.MapReverseProxy(pipeline =>
    {
        pipeline.UseMiddleware<ConversationKey>();
        pipeline.UseMiddleware<BrokenStream>();
        pipeline.UseMiddleware<Retry>();
        pipeline.UseLoadBalancing();
        pipeline.UsePassiveHealthChecks();
    });

    private static RouteConfig Route() => new()
    {
        RouteId = "all",
        ClusterId = Cluster,
        Match = new RouteMatch { Path = "/{**all}" },
    };

    private static ClusterConfig ClusterOf(IReadOnlyList<string> replicas, TimeSpan probe) => new()
    {
        ClusterId = Cluster,
        LoadBalancingPolicy = PrefixPolicy.PolicyName,
        Destinations = replicas.Select((address, i) => (Name: i.ToString(CultureInfo.InvariantCulture), Address: address))
            .ToDictionary(replica => replica.Name, replica => new DestinationConfig { Address = replica.Address }, StringComparer.Ordinal),
        HttpRequest = new Yarp.ReverseProxy.Forwarder.ForwarderRequestConfig { ActivityTimeout = AnswerTimeout },
        HealthCheck = new HealthCheckConfig
        {
            AvailableDestinationsPolicy = "HealthyOrPanic",
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Interval = probe,
                Timeout = TimeSpan.FromSeconds(2),
                Policy = "ConsecutiveFailures",
                Path = "/health/ready",
            },
            Passive = new PassiveHealthCheckConfig { Enabled = true, Policy = "TransportFailureRate", ReactivationPeriod = probe * 2 },
        },
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["ConsecutiveFailuresHealthPolicy.Threshold"] = "1" },
    };

    /// <summary>Asks for readiness as a client of the replica itself: with its own host name, and the key.</summary>
    private sealed class ReadinessRequest(string? key) : Yarp.ReverseProxy.Health.IProbingRequestFactory
    {
        public HttpRequestMessage CreateRequest(
            Yarp.ReverseProxy.Model.ClusterModel cluster, Yarp.ReverseProxy.Model.DestinationModel destination)
        {
            var request = new HttpRequestMessage(
                HttpMethod.Get, new Uri(new Uri(destination.Config.Address), cluster.Config.HealthCheck!.Active!.Path));
            if (key is not null)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            }

            return request;
        }
    }
}
