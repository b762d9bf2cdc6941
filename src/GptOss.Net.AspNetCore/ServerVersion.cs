using System.Reflection;

namespace GptOss.Net.AspNetCore;

/// <summary>What identifies this build in answers.</summary>
internal static class ServerVersion
{
    /// <summary>Gets the value of <c>system_fingerprint</c>: equal as long as equal requests with a seed are answered equally.</summary>
    public static string Fingerprint { get; } =
        "fp_" + (typeof(ServerVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0")
            .Split('+')[0].Replace('.', '_');
}
