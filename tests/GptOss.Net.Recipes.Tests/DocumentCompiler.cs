using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace GptOss.Net.Recipes.Tests;

/// <summary>Compiles a block of a document as a program, with the names that its text takes as given.</summary>
internal static class DocumentCompiler
{
    private const string Usings = """
        global using System; global using System.Collections.Generic; global using System.IO;
        global using System.Linq; global using System.Net.Http;
        global using System.Text.Json; global using System.Threading; global using System.Threading.Tasks;
        global using GptOss.Net; global using GptOss.Net.AspNetCore; global using GptOss.Net.Harmony;
        global using Microsoft.Agents.AI; global using Microsoft.AspNetCore.Builder; global using Microsoft.AspNetCore.DataProtection;
        global using Microsoft.AspNetCore.Http; global using Microsoft.Extensions.AI; global using Microsoft.Extensions.Caching.Distributed;
        global using Microsoft.Extensions.DependencyInjection; global using Microsoft.Extensions.Hosting;
        global using Microsoft.Extensions.VectorData;
        global using Microsoft.SemanticKernel; global using ModelContextProtocol.Client; global using ModelContextProtocol.Protocol;
        global using OpenTelemetry.Metrics; global using OpenTelemetry.Trace;
        global using Given; global using static Given.Names;
        """;

    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        ["client"] = "IChatClient",
        ["model"] = "GptOssModel",
        ["builder"] = "WebApplicationBuilder",
        ["app"] = "WebApplication",
        ["services"] = "IServiceCollection",
        ["path"] = "string",
        ["cancellationToken"] = "CancellationToken",
        ["history"] = "List<ChatMessage>",
        ["agent"] = "AIAgent",
        ["stored"] = "JsonElement",
        ["key"] = "byte[]",
        ["provider"] = "IDataProtectionProvider",
        ["toServer"] = "Stream",
        ["fromServer"] = "Stream",
        ["ears"] = "ISpeechToTextClient",
        ["voice"] = "ITextToSpeechClient",
        ["recording"] = "Stream",
        ["texts"] = "string[]",
        ["embeddings"] = "IEmbeddingGenerator<string, Embedding<float>>",
        ["passages"] = "VectorStoreCollection<string, Passage>",
    };

    private static readonly CSharpCompilationOptions Options =
        new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable)
            .WithSpecificDiagnosticOptions([KeyValuePair.Create("MEAI001", ReportDiagnostic.Suppress)]);

    // All blocks begin as this one, so that the assemblies' types are read once.
    private static readonly Lazy<CSharpCompilation> Empty = new(() =>
    {
        var assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var empty = CSharpCompilation.Create(
            "document", [CSharpSyntaxTree.ParseText(Usings)], assemblies.Select(file => MetadataReference.CreateFromFile(file)), Options);
        _ = empty.GlobalNamespace;
        return empty;
    });

    /// <summary>The errors; none if it compiles.</summary>
    /// <param name="given">Names of this block, such as <c>HostedGptOssModel model; string id</c>.</param>
    /// <param name="code">The block.</param>
    public static IReadOnlyList<string> Errors(string given, string code)
    {
        var names = new Dictionary<string, string>(Names, StringComparer.Ordinal);
        foreach (var name in given.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            names[name[(name.LastIndexOf(' ') + 1)..]] = name[..name.LastIndexOf(' ')];
        }

        var members = string.Concat(names.Select(name => $"public static {name.Value} {name.Key} = default!;\n"));
        var types = $$"""
            namespace Given
            {
                public static class Names { {{members}} }
                public sealed record Order(string Item, int Count);
                public sealed class WeatherPlugin { [KernelFunction] public string Weather(string location) => location; }
                public sealed class Passage
                {
                    public required string Id { get; init; }
                    public required string Text { get; init; }
                    public ReadOnlyMemory<float> Vector { get; init; }
                }
            }
            """;
        SyntaxTree[] trees = [CSharpSyntaxTree.ParseText(types), CSharpSyntaxTree.ParseText(code)];
        var isProgram = trees[1].GetRoot().ChildNodes().Any(node => node.IsKind(SyntaxKind.GlobalStatement));
        var kind = isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        return [.. Empty.Value.WithOptions(Options.WithOutputKind(kind)).AddSyntaxTrees(trees).GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Select(diagnostic => diagnostic.ToString())];
    }
}
