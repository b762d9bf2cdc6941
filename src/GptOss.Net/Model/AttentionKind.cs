namespace GptOss.Net.Model;

/// <summary>Which keys a layer attends to.</summary>
internal enum AttentionKind
{
    /// <summary>Every earlier token.</summary>
    Full,

    /// <summary>The last <see cref="ModelConfig.SlidingWindow"/> tokens, the token itself included.</summary>
    Sliding,
}
