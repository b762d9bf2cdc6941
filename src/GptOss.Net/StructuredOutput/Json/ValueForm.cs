namespace GptOss.Net.StructuredOutput.Json;

/// <summary>One way in which a JSON value may be written: a string, a number, an object and so on.</summary>
internal abstract class ValueForm
{
    /// <summary>The depth of a value that nests forever.</summary>
    public const int Endless = int.MaxValue;

    /// <summary>How many levels of arrays and objects the shallowest such value has.</summary>
    public virtual int MinDepth => 0;

    /// <summary>Returns the state before the value.</summary>
    /// <param name="next">What follows the value.</param>
    /// <param name="depth">How many levels of arrays and objects are left; at least <see cref="MinDepth"/>.</param>
    public abstract TextState Start(TextState next, int depth);
}
