using System.Text.Json;
using Microsoft.Extensions.AI;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>
/// Writes an answer to the console as it comes: the text, its Markdown styled, and in grey the thoughts and the calls that led to it.
/// </summary>
internal sealed class AnswerWriter
{
    private static readonly Style Quiet = new(Color.Grey);
    private static readonly JsonSerializerOptions OneLine = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    // A file or another program gets the text as it is.
    private readonly MarkdownWriter? _markdown = AnsiConsole.Profile.Capabilities.Ansi ? new((text, style) => Write(text, style)) : null;
    private bool _isThinking;

    public void Write(ChatResponseUpdate update)
    {
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case TextReasoningContent reasoning:
                    _isThinking |= reasoning.Text.Length > 0;
                    Write(reasoning.Text, Quiet);
                    break;
                case TextContent text:
                    EndThought();
                    WriteAnswer(text.Text);
                    break;
                case FunctionCallContent call:
                    End();
                    Write($"{call.Name}({Json(call.Arguments)})", Quiet);
                    break;
                case FunctionResultContent result:
                    Write($" → {Json(result.Result)}\n", Quiet);
                    break;
            }
        }
    }

    /// <summary>Writes what still waits for the text that follows it.</summary>
    public void End()
    {
        EndThought();
        _markdown?.End();
    }

    private void WriteAnswer(string text)
    {
        if (_markdown is null)
        {
            Write(text);
        }
        else
        {
            _markdown.Write(text);
        }
    }

    private void EndThought()
    {
        Write(_isThinking ? "\n" : "");
        _isThinking = false;
    }

    private static void Write(string text, Style? style = null) => AnsiConsole.Write(new Text(text, style));

    private static string Json<T>(T value) => JsonSerializer.Serialize(value, OneLine.GetTypeInfo(typeof(T)));
}
