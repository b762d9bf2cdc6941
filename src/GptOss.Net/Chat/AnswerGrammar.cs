using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>What an answer must be, where it is not just any text.</summary>
/// <param name="Start">The state before the answer.</param>
/// <param name="IsJson">Whether the answer is JSON.</param>
/// <param name="NotEnforced">What of its schema is not enforced.</param>
internal sealed record AnswerGrammar(TextState Start, bool IsJson, IReadOnlyList<string> NotEnforced)
{
    /// <summary>Returns what the options ask for; null for any text.</summary>
    /// <exception cref="ArgumentException">
    /// The schema, the expression or the grammar is malformed, or more than one thing is asked for.
    /// </exception>
    /// <exception cref="NotSupportedException">It asks for what cannot be enforced.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static AnswerGrammar? Create(
        ChatOptions options, GptOssRequestOptions own, SchemaCache schemas, CancellationToken cancellationToken)
    {
        var format = options.ResponseFormat as ChatResponseFormatJson;
        if ((format is null ? 0 : 1) + (own.Choice is null ? 0 : 1) + (own.Regex is null ? 0 : 1) + (own.Grammar is null ? 0 : 1) > 1)
        {
            throw new ArgumentException(
                $"An answer follows one of ChatOptions.ResponseFormat, {nameof(own.Choice)}, {nameof(own.Regex)} and "
                + $"{nameof(own.Grammar)}; set one of them.",
                nameof(options));
        }

        if (own.Choice is { } choice)
        {
            return choice.Count > 0 && choice.All(text => !string.IsNullOrEmpty(text))
                ? new AnswerGrammar(TextSet.Create(choice), IsJson: false, [])
                : throw new ArgumentException("It must hold at least one text, and no empty ones.", nameof(own.Choice));
        }

        if (own.Regex is { } regex)
        {
            return new AnswerGrammar(RegexGrammar.Compile(regex, nameof(own.Regex), cancellationToken), IsJson: false, []);
        }

        if (own.Grammar is { } lark)
        {
            return new AnswerGrammar(schemas.GetLark(lark, nameof(own.Grammar), cancellationToken).Start(), IsJson: false, []);
        }

        if (format is null)
        {
            return null;
        }

        var grammar = format.Schema is { } schema ? schemas.GetGrammar(schema, cancellationToken) : JsonSchemaGrammar.AnyObject;
        return new AnswerGrammar(grammar.Start(), IsJson: true, [.. grammar.Omissions.Select(omission => omission.ToString())]);
    }
}
