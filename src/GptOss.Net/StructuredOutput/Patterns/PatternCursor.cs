namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A place in the text of a pattern.</summary>
internal sealed class PatternCursor(string pattern)
{
    private readonly int[] _text = [.. pattern.EnumerateRunes().Select(rune => rune.Value)];
    private int _position;

    /// <summary>The next character; -1 at the end.</summary>
    public int Current => Peek(0);

    /// <summary>How many characters were read.</summary>
    public int Position => _position;

    /// <summary>The character after so many others; -1 behind the end.</summary>
    public int Peek(int ahead) => _position + ahead < _text.Length ? _text[_position + ahead] : -1;

    /// <summary>Takes the next character, which is there.</summary>
    public int Read() => _text[_position++];

    /// <summary>Takes the next character if it is a certain one.</summary>
    public bool TryRead(int character)
    {
        if (Current != character)
        {
            return false;
        }

        _position++;
        return true;
    }

    /// <summary>Goes back to where it was.</summary>
    public void Return(int position) => _position = position;
}
