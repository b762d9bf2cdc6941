using System.Security.Cryptography;
using System.Text;
using Yarp.ReverseProxy.LoadBalancing;
using Yarp.ReverseProxy.Model;

namespace Replicas;

/// <summary>
/// Chooses the replica that stored the response which is continued; else by the conversation's key (rendezvous hashing: when a replica
/// leaves, only its own conversations move); else the one with the fewest requests.
/// </summary>
internal sealed class PrefixPolicy(ResponsePlaces places) : ILoadBalancingPolicy
{
    public const string PolicyName = "Prefix";

    public string Name => PolicyName;

    public DestinationState? PickDestination(
        HttpContext context, ClusterState cluster, IReadOnlyList<DestinationState> availableDestinations)
    {
        if (availableDestinations.Count == 0)
        {
            return null;
        }

        var conversation = ConversationKey.Of(context);
        if (conversation.ResponseId is { } id && places.Find(id) is { } place
            && availableDestinations.FirstOrDefault(one => one.DestinationId == place) is { } holder)
        {
            return holder;
        }

        return conversation.Key is { } key
            ? availableDestinations.MaxBy(one => Score(key, one.DestinationId))
            : availableDestinations.MinBy(one => one.ConcurrentRequestCount);
    }

    private static ulong Score(string key, string destination) =>
        BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{destination}/{key}")));
}
