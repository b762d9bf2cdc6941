using System.Net.Sockets;
using GptOss.Net.AspNetCore;
using Microsoft.AspNetCore.Connections;

#pragma warning disable IDE0130 // where an application looks for it
namespace Microsoft.AspNetCore.Builder;
#pragma warning restore IDE0130

/// <summary>Runs an application as a command does.</summary>
public static class ServerRunExtensions
{
    /// <summary>
    /// Runs the application until it is stopped. If it cannot listen on its addresses, the log says in one line which one that is, why, and
    /// what to change.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <param name="addressOption">What sets the addresses on its command line. Default <c>--urls</c>.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>The program's exit code: 0, or 1 if it could not listen.</returns>
    public static async Task<int> RunServerAsync(
        this WebApplication app, string addressOption = "--urls", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(app);
        await using (app.ConfigureAwait(false))
        {
            try
            {
                await app.StartAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (Change(exception) is { } change)
            {
                app.Logger.AddressUnusable(exception.Message.TrimEnd('.'), change, addressOption);
                return 1;
            }

            await app.WaitForShutdownAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }
    }

    private static string? Change(Exception exception) => exception switch
    {
        IOException { InnerException: AddressInUseException } =>
            "end the program that has the port, or take another port (0 is a free one)",
        SocketException { SocketErrorCode: SocketError.AccessDenied } => "ports below 1024 are the administrator's; take a higher one",
        SocketException => "take an address that this machine has",
        _ => null,
    };
}
