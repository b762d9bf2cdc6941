namespace GptOss.Net;

/// <summary>A token and how probable the model held it.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">
/// The natural logarithm of its probability under the model itself: before penalties, bias, constraints, temperature and truncation.
/// </param>
public readonly record struct TokenLogProbability(int Id, float LogProbability);
