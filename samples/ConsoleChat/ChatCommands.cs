using System.Globalization;
using System.Text.Json;
using GptOss.Net;
using Microsoft.Extensions.AI;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>What can be typed instead of a message: lines that begin with a slash.</summary>
internal sealed class ChatCommands(GptOssModel model, ChatOptions options, List<ChatMessage> history)
{
    private const string Help = """
        /effort low|medium|high   how long the model thinks
        /system TEXT              what the model is told before everything else; without a text, nothing
        /memory                   what lies on which device
        /save FILE                stores the conversation
        /load FILE                goes on with a stored one
        /help                     this
        A backslash at the end of a line continues on the next one; an empty line ends the chat, Ctrl-C an answer.
        """;

    /// <summary>Runs a line if it is a command.</summary>
    public bool TryRun(string line)
    {
        if (line is not ['/', ..])
        {
            return false;
        }

        var (name, argument) = line.Split(' ', 2) is [var first, var rest] ? (first, rest.Trim()) : (line.Trim(), "");
        try
        {
            AnsiConsole.WriteLine(Run(name, argument));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]{exception.Message}[/]");
        }

        return true;
    }

    private string Run(string name, string argument) => name switch
    {
        "/help" => Help,
        "/effort" => SetEffort(argument),
        "/system" => SetSystem(argument),
        "/memory" => string.Join('\n', model.GetMemoryReport().Select(Describe)),
        "/save" => Save(argument),
        "/load" => Load(argument),
        _ => $"There is no command {name}; /help lists them.",
    };

    private string SetEffort(string argument)
    {
        if (argument is not ("low" or "medium" or "high"))
        {
            return "Name one of low, medium and high.";
        }

        options.Reasoning!.Effort = Enum.Parse<ReasoningEffort>(argument, ignoreCase: true);
        return $"The effort is {argument}.";
    }

    private string SetSystem(string argument)
    {
        history.RemoveAll(message => message.Role == ChatRole.System);
        if (argument.Length > 0)
        {
            history.Insert(0, new ChatMessage(ChatRole.System, argument));
        }

        return argument.Length > 0 ? "The model is told so." : "The model is told nothing.";
    }

    private string Save(string file)
    {
        File.WriteAllText(file, JsonSerializer.Serialize(history, AIJsonUtilities.DefaultOptions));
        return $"{history.Count} messages are in {file}.";
    }

    private string Load(string file)
    {
        var stored = JsonSerializer.Deserialize<List<ChatMessage>>(File.ReadAllText(file), AIJsonUtilities.DefaultOptions) ?? [];
        history.Clear();
        history.AddRange(stored);
        return $"{stored.Count} messages are from {file}.";
    }

    private static string Describe(DeviceMemory device) => string.Create(
        CultureInfo.InvariantCulture,
        $"{device.Device}: weights {Mebibytes(device.WeightBytes)}, mapped of them {Mebibytes(device.MappedWeightBytes)}, "
        + $"cache {Mebibytes(device.KVBytesUsed)} of {Mebibytes(device.KVBytes)}, steps {Mebibytes(device.WorkspaceBytes)}, "
        + $"others {Mebibytes(device.OtherBytes)}, free {Mebibytes(device.FreeBytes)}");

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):N1} MiB");
}
