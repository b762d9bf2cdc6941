using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net;

/// <summary>Adds models to an application's services.</summary>
public static class GptOssServiceCollectionExtensions
{
    /// <summary>
    /// Adds a model that is loaded in the background when the host starts: a <see cref="HostedGptOssModel"/>, and its
    /// <see cref="IChatClient"/> unless there is one already. Requests wait until it is loaded.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="pathOrId">See <see cref="GptOssModel.LoadAsync"/>.</param>
    /// <param name="options">
    /// Makes the options; default: the defaults. Where they name no logger factory, meter factory or clock, those of the services are used.
    /// </param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddGptOss(
        this IServiceCollection services, string pathOrId, Func<IServiceProvider, GptOssModelOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        services.AddSingleton(provider => new HostedGptOssModel(pathOrId, Options(provider, options)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<HostedGptOssModel>());
        services.TryAddSingleton(provider => provider.GetRequiredService<HostedGptOssModel>().ChatClient);
        return services;
    }

    /// <summary>Adds one of several models, under a key. See <see cref="AddGptOss"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceKey">The key of the <see cref="HostedGptOssModel"/> and of the <see cref="IChatClient"/>.</param>
    /// <param name="pathOrId">See <see cref="GptOssModel.LoadAsync"/>.</param>
    /// <param name="options">Makes the options; default: the defaults.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddKeyedGptOss(
        this IServiceCollection services, object? serviceKey, string pathOrId, Func<IServiceProvider, GptOssModelOptions>? options = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(pathOrId);
        services.AddKeyedSingleton(serviceKey, (provider, _) => new HostedGptOssModel(pathOrId, Options(provider, options)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<HostedGptOssModel>(serviceKey));
        services.TryAddKeyedSingleton(serviceKey, (provider, key) => provider.GetRequiredKeyedService<HostedGptOssModel>(key).ChatClient);
        return services;
    }

    private static GptOssModelOptions Options(IServiceProvider services, Func<IServiceProvider, GptOssModelOptions>? create)
    {
        var options = create?.Invoke(services) ?? new GptOssModelOptions();
        return options with
        {
            LoggerFactory = options.LoggerFactory is NullLoggerFactory && services.GetService<ILoggerFactory>() is { } loggers
                ? loggers
                : options.LoggerFactory,
            MeterFactory = options.MeterFactory ?? services.GetService<IMeterFactory>(),
            TimeProvider = ReferenceEquals(options.TimeProvider, TimeProvider.System) && services.GetService<TimeProvider>() is { } time
                ? time
                : options.TimeProvider,
        };
    }
}
