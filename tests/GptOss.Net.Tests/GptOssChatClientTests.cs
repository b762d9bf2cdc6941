using GptOss.Net.Harmony;
using GptOss.Net.Tests.Chat;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests;

public sealed class GptOssChatClientTests : IDisposable
{
    private readonly ScriptedChat _chat = new("<|channel|>final<|message|>Yes.<|return|>");

    public void Dispose() => _chat.Dispose();

    [Fact]
    public void Services_are_the_client_its_model_and_what_describes_them()
    {
        var client = _chat.Client;

        client.GetService(typeof(IChatClient)).Should().BeSameAs(client);
        client.GetService(typeof(GptOssChatClient)).Should().BeSameAs(client);
        client.GetService(typeof(object)).Should().BeSameAs(client);
        client.GetService(typeof(GptOssModel)).Should().BeSameAs(_chat.Model);
        client.GetService(typeof(HarmonyTokenizer)).Should().BeSameAs(_chat.Model.Tokenizer);
        client.GetService(typeof(string)).Should().BeNull();
        client.GetService(typeof(IChatClient), "key").Should().BeNull();
        client.Invoking(c => c.GetService(null!)).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void Metadata_name_the_provider_and_the_model()
    {
        var metadata = _chat.Client.GetService<ChatClientMetadata>()!;

        metadata.ProviderName.Should().Be("gptoss.net");
        metadata.ProviderUri!.Host.Should().Contain(".");
        metadata.ProviderUri.Port.Should().BeGreaterThanOrEqualTo(0, "telemetry reports it");
        metadata.DefaultModelId.Should().Be("scripted");
    }

    [Fact]
    public void A_client_needs_a_model() =>
        FluentActions.Invoking(() => new GptOssChatClient(null!)).Should().Throw<ArgumentNullException>();

    [Fact]
    public async Task A_disposed_client_goes_on_because_the_model_is_not_its_own()
    {
        _chat.Client.Dispose();

        (await _chat.Ask()).Text.Should().Be("Yes.");
    }

    [Fact]
    public async Task A_disposed_model_answers_no_more()
    {
        await _chat.Model.DisposeAsync();

        await _chat.Awaiting(chat => chat.Ask()).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task A_prompt_that_is_too_long_is_refused_with_its_length() =>
        await _chat.Awaiting(chat => chat.Ask(string.Concat(Enumerable.Repeat("word ", 5_000))))
            .Should().ThrowAsync<ArgumentException>().WithMessage("The prompt has 5,*at most 4,095 fit*");
}
