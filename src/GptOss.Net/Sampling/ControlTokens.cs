namespace GptOss.Net.Sampling;

/// <summary>The control tokens of o200k_harmony that sampling has to know.</summary>
internal static class ControlTokens
{
    /// <summary>Every id from here on is a control token.</summary>
    public const int First = 199_998;

    public const int EndOfText = 199_999;
    public const int Return = 200_002;
    public const int Constrain = 200_003;
    public const int Channel = 200_005;
    public const int Start = 200_006;
    public const int Message = 200_008;
    public const int Call = 200_012;
}
