using System.Text.Json.Nodes;

namespace DemoModelTrainer.Corpus;

/// <summary>One shape of the weather tool: applications name and describe theirs differently, so the model must copy.</summary>
internal sealed record WeatherTool(string Function, string Description, string Parameter, JsonObject Schema)
{
    private static readonly string[] Functions = ["get_weather", "get_weather", "GetWeather", "get_current_weather"];
    private static readonly string[] Parameters = ["location", "location", "city"];

    private static readonly string[] Descriptions =
    [
        "Gets the current weather in the provided location.",
        "Gets the weather.",
        "Gets the current weather of a city.",
        "Get the current weather in a given location.",
        "Returns the weather for a city.",
        string.Empty,
    ];

    private static readonly string[] ParameterDescriptions =
    [
        "The city and state, e.g. San Francisco, CA",
        "The name of the city.",
        "The city.",
        string.Empty,
        string.Empty,
    ];

    public static WeatherTool Draw(Random random)
    {
        var parameter = Pick(Parameters, random);
        var properties = new JsonObject { [parameter] = Text(Pick(ParameterDescriptions, random)) };
        if (random.NextDouble() < 0.3)
        {
            properties["unit"] = new JsonObject { ["type"] = "string", ["enum"] = new JsonArray("celsius", "fahrenheit") };
        }

        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray(parameter),
        };
        return new WeatherTool(Pick(Functions, random), Pick(Descriptions, random), parameter, schema);
    }

    private static JsonObject Text(string description)
    {
        var schema = new JsonObject { ["type"] = "string" };
        if (description.Length > 0)
        {
            schema["description"] = description;
        }

        return schema;
    }

    private static string Pick(string[] values, Random random) => values[random.Next(values.Length)];
}
