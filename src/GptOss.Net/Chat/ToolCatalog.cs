using GptOss.Net.Harmony;
using GptOss.Net.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>The functions of one request, and their names in the harmony format.</summary>
internal sealed class ToolCatalog
{
    private const string Prefix = ToolNamespace.Functions + ".";

    private readonly Dictionary<string, ToolFunction> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ToolFunction> _byHarmonyName = new(StringComparer.Ordinal);
    private readonly List<string> _ignored = [];

    /// <exception cref="ArgumentException">A tool is null, or two different functions have the same name.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled while a schema was compiled.</exception>
    public ToolCatalog(IEnumerable<AITool>? tools, SchemaCache schemas, CancellationToken cancellationToken)
    {
        foreach (var tool in tools ?? [])
        {
            if (tool is not AIFunctionDeclaration declaration)
            {
                ArgumentNullException.ThrowIfNull(tool, nameof(tools));
                _ignored.Add(tool.GetType().Name);
                continue;
            }

            if (!_byName.TryGetValue(declaration.Name, out var same))
            {
                var arguments = schemas.GetArguments(declaration.JsonSchema, cancellationToken);
                var function = new ToolFunction(declaration, FreeName(HarmonyName.Of(declaration.Name)), arguments);
                _byName.Add(declaration.Name, function);
                _byHarmonyName.Add(function.HarmonyName, function);
            }
            else if (!ReferenceEquals(same.Declaration, declaration))
            {
                throw new ArgumentException(
                    $"ChatOptions.Tools holds two different functions of the name '{declaration.Name}'. Rename one of them.",
                    nameof(tools));
            }
        }
    }

    public IReadOnlyCollection<ToolFunction> Functions => _byHarmonyName.Values;

    /// <summary>What of the functions' schemas is not enforced.</summary>
    public IEnumerable<string> NotEnforced => Functions.SelectMany(function =>
        function.Arguments.Omissions.Select(omission => $"{function.Declaration.Name} {omission}"));

    /// <summary>The kinds of tools that are no functions: what a service would run itself, such as a search of the web.</summary>
    public IReadOnlyList<string> Ignored => _ignored;

    /// <summary>The function of a name, or <see langword="null"/>.</summary>
    public ToolFunction? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The recipient of a call of a function, which need not be declared any more.</summary>
    public string RecipientOf(string name) => Prefix + (Find(name)?.HarmonyName ?? HarmonyName.Of(name));

    /// <summary>The name of the function that a call went to.</summary>
    public string NameOf(string recipient)
    {
        var name = recipient.StartsWith(Prefix, StringComparison.Ordinal) ? recipient[Prefix.Length..] : recipient;
        return _byHarmonyName.TryGetValue(name, out var function) ? function.Declaration.Name : name;
    }

    /// <summary>What the model is told about the functions.</summary>
    public IReadOnlyList<ToolNamespace> Describe() => Functions.Count == 0
        ? []
        : [new ToolNamespace { Name = ToolNamespace.Functions, Tools = [.. Functions.Select(function => function.Describe())] }];

    private string FreeName(string name)
    {
        var free = name;
        for (var i = 2; _byHarmonyName.ContainsKey(free); i++)
        {
            var suffix = FormattableString.Invariant($"_{i}");
            free = name[..Math.Min(name.Length, HarmonyName.MaxLength - suffix.Length)] + suffix;
        }

        return free;
    }
}
