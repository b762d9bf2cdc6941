namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>What a grammar says.</summary>
/// <param name="Rules">The rules by their names, in their order.</param>
/// <param name="Terminals">The terminals by their names.</param>
/// <param name="Ignored">What may stand between, before and after terminals.</param>
internal sealed record LarkDefinitions(
    OrderedDictionary<string, LarkDefinition> Rules, Dictionary<string, LarkDefinition> Terminals, List<LarkExpression> Ignored);
