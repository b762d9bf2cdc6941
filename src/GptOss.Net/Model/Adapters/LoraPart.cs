namespace GptOss.Net.Model.Adapters;

/// <summary>Which part of a pair a matrix takes.</summary>
/// <param name="Expert">The expert, from 0.</param>
/// <param name="Experts">How many experts the pair is for.</param>
/// <param name="FirstRow">The pair's row for the matrix's first.</param>
/// <param name="RowStep">How far its rows are apart: 2 where gate and up are stored apart and the pair has them in turns.</param>
internal readonly record struct LoraPart(int Expert, int Experts, int FirstRow, int RowStep)
{
    public static LoraPart Whole { get; } = new(0, 1, 0, 1);
}
