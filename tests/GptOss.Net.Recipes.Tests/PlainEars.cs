using Microsoft.Extensions.AI;

namespace GptOss.Net.Recipes.Tests;

/// <summary>Hears text that is written in the bytes of the audio.</summary>
internal sealed class PlainEars : ISpeechToTextClient
{
    public async Task<SpeechToTextResponse> GetTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default) =>
        new(await new StreamReader(audioSpeechStream).ReadToEndAsync(cancellationToken));

    public IAsyncEnumerable<SpeechToTextResponseUpdate> GetStreamingTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
