using System.ComponentModel;
using Microsoft.Extensions.AI;

namespace ConsoleChat;

/// <summary>A function that the model may call. It knows no weather: it makes one up for each city, always the same.</summary>
internal static class WeatherFunction
{
    private static readonly string[] Conditions = ["sunny", "cloudy", "rainy", "windy", "foggy", "partly cloudy"];

    public static AIFunction Create() => AIFunctionFactory.Create(GetWeather, "get_weather");

    [Description("Gets the current weather of a city.")]
    private static WeatherReport GetWeather([Description("The name of the city.")] string city)
    {
        var mood = city.Aggregate(17, (sum, letter) => ((sum * 31) + letter) % 1_000);
        return new WeatherReport(mood % 30, Conditions[mood % Conditions.Length]);
    }
}
