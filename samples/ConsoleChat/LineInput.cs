using System.Text;
using Spectre.Console;

namespace ConsoleChat;

/// <summary>
/// Reads messages: the arrows go through those of before, a backslash at the end of a line continues on the next one, and pasted text keeps
/// its lines.
/// </summary>
internal sealed class LineInput
{
    private readonly List<string> _earlier = [];

    /// <summary>The next message; <see langword="null"/> at the end of the input.</summary>
    public string? Read()
    {
        var message = new StringBuilder();
        var sign = "> ";
        while ((Console.IsInputRedirected ? Plain(sign) : Edit(sign)) is { } line)
        {
            message.Append(line.EndsWith('\\') ? line[..^1] : line);
            if (!line.EndsWith('\\'))
            {
                var text = message.ToString();
                if (text.Length > 0)
                {
                    _earlier.Add(text);
                }

                return text;
            }

            message.Append('\n');
            sign = ". ";
        }

        return message.Length > 0 ? message.ToString() : null;
    }

    private static string? Plain(string sign)
    {
        AnsiConsole.Write(sign);
        return Console.ReadLine();
    }

    private string? Edit(string sign)
    {
        var (text, at, row) = (new StringBuilder(), 0, _earlier.Count);
        while (true)
        {
            Draw(sign, text, at);
            var key = Console.ReadKey(intercept: true);
            switch (key.Key)
            {
                case ConsoleKey.Enter when Console.KeyAvailable: // more follows at once: it was pasted
                    text.Insert(at++, '\n');
                    break;
                case ConsoleKey.Enter:
                    Console.WriteLine();
                    return text.ToString();
                case ConsoleKey.D when key.Modifiers == ConsoleModifiers.Control && text.Length == 0:
                    return null;
                case ConsoleKey.UpArrow or ConsoleKey.DownArrow:
                    row = Math.Clamp(row + (key.Key == ConsoleKey.UpArrow ? -1 : 1), 0, _earlier.Count);
                    text.Clear().Append(row < _earlier.Count ? _earlier[row] : "");
                    at = text.Length;
                    break;
                default:
                    at = Move(key, text, at);
                    break;
            }
        }
    }

    // What a key does to the text; the place of the cursor behind it.
    private static int Move(ConsoleKeyInfo key, StringBuilder text, int at)
    {
        switch (key.Key)
        {
            case ConsoleKey.Backspace when at > 0:
                text.Remove(at - 1, 1);
                return at - 1;
            case ConsoleKey.Delete when at < text.Length:
                text.Remove(at, 1);
                return at;
            case ConsoleKey.LeftArrow:
                return Math.Max(0, at - 1);
            case ConsoleKey.RightArrow:
                return Math.Min(text.Length, at + 1);
            case ConsoleKey.Home:
                return 0;
            case ConsoleKey.End:
                return text.Length;
            default:
                if (char.IsControl(key.KeyChar))
                {
                    return at;
                }

                text.Insert(at, key.KeyChar);
                return at + 1;
        }
    }

    // One row of the terminal: of a long text the end before the cursor, line breaks as a sign.
    private static void Draw(string sign, StringBuilder text, int at)
    {
        var room = Math.Max(10, Console.WindowWidth - sign.Length - 1);
        var shown = text.ToString().Replace('\n', '↵');
        var start = Math.Max(0, at - room + 1);
        shown = shown.Substring(start, Math.Min(room, shown.Length - start));
        Console.Write($"\r\u001b[K{sign}{shown}\r\u001b[{sign.Length + at - start}C");
    }
}
