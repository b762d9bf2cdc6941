namespace ConsoleChat;

/// <summary>What the weather function returns; the model reads it as JSON.</summary>
/// <param name="Temperature">In degrees Celsius.</param>
/// <param name="Condition">In a word or two.</param>
internal sealed record WeatherReport(int Temperature, string Condition);
