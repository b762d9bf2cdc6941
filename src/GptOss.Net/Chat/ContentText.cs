using System.Text;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>Contents as text, by one rule for each kind wherever it stands: told, or replaced by a short remark. Used once.</summary>
/// <remarks>
/// Text in any form and errors are told. Pictures, files and what a service did by itself are replaced by a remark on a line of its own;
/// only what the user asks about now is refused: without the picture it would be another question. Token usage is no content.
/// </remarks>
internal sealed class ContentText
{
    private static readonly string[] TextTypes =
        ["application/json", "application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/toml"];

    private readonly StringBuilder _text = new();
    private bool _isLineComplete; // the next content begins a line

    public bool IsEmpty => _text.Length == 0;

    /// <summary>The text of contents that are not asked about now.</summary>
    public static string Of(IEnumerable<AIContent?> contents)
    {
        var text = new ContentText();
        foreach (var content in contents)
        {
            text.Append(content, isAsked: false);
        }

        return text.Take();
    }

    /// <summary>Whether the data of a media type is text.</summary>
    public static bool IsText(string mediaType)
    {
        var type = mediaType.Split(';')[0].Trim().ToLowerInvariant();
        return type.StartsWith("text/", StringComparison.Ordinal) || TextTypes.Contains(type, StringComparer.Ordinal)
            || type.EndsWith("+json", StringComparison.Ordinal) || type.EndsWith("+xml", StringComparison.Ordinal);
    }

    /// <summary>Adds a content.</summary>
    /// <exception cref="NotSupportedException">It is no text, and the user asks about it.</exception>
    public void Append(AIContent? content, bool isAsked)
    {
        if (content is TextContent text)
        {
            Append(text.Text, isLine: false);
            return;
        }

        if (isAsked && IsMedia(content!))
        {
            throw new NotSupportedException(
                $"A message holds {content!.GetType().Name} ({Describe(content)}): gpt-oss reads text only. "
                + "Leave it out, or tell in words what it holds.");
        }

        var told = content switch
        {
            null or UsageContent or TextReasoningContent { Text.Length: 0 } => "",
            ErrorContent error => $"Error: {error.Message}",
            DataContent data when IsText(data.MediaType) => Encoding.UTF8.GetString(data.Data.Span),
            _ => $"[{Describe(content)}: not shown, the model reads text only]",
        };
        Append(told, isLine: true);
    }

    /// <summary>The text so far, which is then forgotten.</summary>
    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        _isLineComplete = false;
        return text;
    }

    private static bool IsMedia(AIContent content) =>
        content is DataContent or UriContent or HostedFileContent or HostedVectorStoreContent
        && !(content is DataContent data && IsText(data.MediaType));

    private static string Describe(AIContent content) => content switch
    {
        DataContent data => Join(data.MediaType, data.Name, FormattableString.Invariant($"{data.Data.Length} bytes")),
        UriContent uri => Join(uri.MediaType, uri.Uri.ToString()),
        HostedFileContent file => Join("file", file.Name ?? file.FileId, file.MediaType),
        HostedVectorStoreContent store => Join("files", store.VectorStoreId),
        TextReasoningContent => "reasoning",
        _ => content.GetType().Name,
    };

    private static string Join(params string?[] parts) => string.Join(", ", parts.Where(part => !string.IsNullOrEmpty(part)));

    private void Append(string? text, bool isLine)
    {
        if (string.IsNullOrEmpty(text))
        {
            return;
        }

        if (_text.Length > 0 && (isLine || _isLineComplete) && _text[^1] != '\n')
        {
            _text.Append('\n');
        }

        _text.Append(text);
        _isLineComplete = isLine;
    }
}
