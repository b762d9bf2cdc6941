namespace GptOss.Net.Harmony;

/// <summary>What the o200k splitting rules distinguish. A character has one of the single values; the others are sets.</summary>
[Flags]
internal enum CharacterClass : byte
{
    /// <summary>The end of the text.</summary>
    None = 0,

    /// <summary>Lu, Lt.</summary>
    Upper = 1,

    /// <summary>Ll.</summary>
    Lower = 2,

    /// <summary>Lm, Lo.</summary>
    Caseless = 4,

    /// <summary>Mn, Mc, Me.</summary>
    Mark = 8,

    /// <summary>Nd, Nl, No.</summary>
    Number = 16,

    /// <summary>CR, LF.</summary>
    LineBreak = 32,

    /// <summary>Any other white space.</summary>
    Space = 64,

    /// <summary>Everything else.</summary>
    Symbol = 128,

    /// <summary>What the first half of a word is made of.</summary>
    WordStart = Upper | Caseless | Mark,

    /// <summary>What the second half of a word is made of.</summary>
    WordEnd = Lower | Caseless | Mark,

    /// <summary>One of these may precede a word within the same piece.</summary>
    WordPrefix = Mark | Space | Symbol,

    /// <summary>What a run of punctuation is made of.</summary>
    Punctuation = Symbol | Mark,

    /// <summary>White space.</summary>
    WhiteSpace = Space | LineBreak,
}
