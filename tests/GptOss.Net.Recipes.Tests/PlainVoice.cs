using System.Text;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Recipes.Tests;

/// <summary>Speaks text by writing it into the bytes of the audio.</summary>
internal sealed class PlainVoice : ITextToSpeechClient
{
    public Task<TextToSpeechResponse> GetAudioAsync(
        string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new TextToSpeechResponse([new DataContent(Encoding.UTF8.GetBytes(text), "audio/wav")]));

    public IAsyncEnumerable<TextToSpeechResponseUpdate> GetStreamingAudioAsync(
        string text, TextToSpeechOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
