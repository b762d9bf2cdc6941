using GptOss.Net.Harmony;
using GptOss.Net.Sampling;

namespace GptOss.Net.Engine;

/// <summary>The text that a generation's tokens make: complete characters, no control tokens, cut at a stop sequence.</summary>
internal sealed class OutputText(HarmonyTokenizer tokenizer, IReadOnlyList<string> stopSequences)
{
    private readonly Utf8TokenDecoder _decoder = new(tokenizer);
    private readonly StopSequenceMatcher? _stop = stopSequences.Count > 0 ? new StopSequenceMatcher(stopSequences) : null;

    /// <summary>The text that this token decided, and whether a stop sequence ends the generation with it.</summary>
    /// <remarks>A model's vocabulary may be padded beyond the tokenizer's: such a token has no text.</remarks>
    public (string Text, bool Stopped) Append(int token)
    {
        var decoded = ControlToken.IsControl(token) ? _decoder.Flush()
            : tokenizer.TryGetBytes(token, out var bytes) ? _decoder.Append(bytes)
            : string.Empty;
        return _stop is null ? (decoded, false) : (_stop.Append(decoded), _stop.IsStopped);
    }

    /// <summary>What was withheld, once nothing follows.</summary>
    public string Flush()
    {
        var decoded = _decoder.Flush();
        return _stop is null ? decoded : _stop.Append(decoded) + _stop.Flush();
    }
}
