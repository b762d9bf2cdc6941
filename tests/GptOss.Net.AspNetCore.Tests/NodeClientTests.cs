namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// Clients of the JavaScript world, each a program in <c>Clients</c> that checks what it gets. <c>.ci/run</c> installs them; by hand:
/// <c>npm install --prefix tests/GptOss.Net.AspNetCore.Tests/Clients --no-package-lock</c>.
/// </summary>
public sealed class NodeClientTests(NodeClients clients) : IClassFixture<NodeClients>
{
    public static TheoryData<string> Programs => [.. NodeClients.Programs];

    [Theory]
    [MemberData(nameof(Programs))]
    public void A_client_gets_what_it_expects(string program)
    {
        Assert.SkipUnless(NodeClients.Missing is null, NodeClients.Missing ?? "");
        clients.ErrorOf(program).Should().BeNull();
    }
}
