using System.Globalization;
using System.Text.Json.Nodes;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Random schemas of everything that is enforced.</summary>
internal static class RandomSchema
{
    private static readonly string[] Names = ["a", "ab", "name", "é", "x y", "id", "\"quoted\""];

    public static JsonNode Create(Random random, int depth = 3) => random.Next(depth == 0 ? 6 : 12) switch
    {
        0 => String(random),
        1 => Number(random, "integer"),
        2 => Number(random, "number"),
        3 => new JsonObject { ["enum"] = new JsonArray("one", 2, null, true, "onetwo", 22) },
        4 => new JsonObject { ["type"] = new JsonArray("boolean", "null", "string") },
        5 => random.Next(2) == 0
            ? new JsonObject { ["const"] = new JsonArray(1, "x", null) }
            : new JsonObject { ["type"] = "string", ["not"] = new JsonObject { ["enum"] = new JsonArray("x", "y") } },
        6 => Array(random, depth),
        7 => Tuple(random, depth),
        8 => new JsonObject { ["anyOf"] = new JsonArray(Create(random, depth - 1), Create(random, depth - 1)) },
        9 => new JsonObject { ["allOf"] = new JsonArray(Object(random, depth), new JsonObject { ["description"] = "more" }) },
        _ => Object(random, depth),
    };

    /// <summary>A schema of an object, as tools have it.</summary>
    public static JsonNode CreateObject(Random random) => Object(random, 3);

    private static JsonObject String(Random random) => random.Next(4) switch
    {
        0 => new JsonObject { ["type"] = "string" },
        1 => new JsonObject { ["type"] = "string", ["minLength"] = random.Next(4), ["maxLength"] = 4 + random.Next(10) },
        2 => new JsonObject { ["type"] = "string", ["format"] = new[] { "date", "date-time", "uuid", "ipv4" }[random.Next(4)] },
        _ => new JsonObject
        {
            ["type"] = "string",
            ["pattern"] = new[] { "^[a-z]{2,5}$", "^a|b", "x[0-9]+y", "^(\\+\\d )?[\\d-]{3,}$", "^\\W\\D?$" }[random.Next(5)],
        },
    };

    private static JsonObject Number(Random random, string type)
    {
        var schema = new JsonObject { ["type"] = type };
        var low = random.Next(-200, 200);
        if (random.Next(2) == 0)
        {
            schema[random.Next(2) == 0 ? "minimum" : "exclusiveMinimum"] =
                JsonNode.Parse((low / (type == "number" ? 4.0 : 1)).ToString(CultureInfo.InvariantCulture));
        }

        if (random.Next(2) == 0)
        {
            schema[random.Next(2) == 0 ? "maximum" : "exclusiveMaximum"] = Math.Abs(low) + 2 + random.Next(5_000);
        }

        return schema;
    }

    private static JsonObject Array(Random random, int depth)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = Create(random, depth - 1), ["maxItems"] = 2 + random.Next(4) };
        if (random.Next(2) == 0)
        {
            schema["minItems"] = random.Next(3);
        }

        return schema;
    }

    private static JsonObject Tuple(Random random, int depth) => new()
    {
        ["type"] = "array",
        ["prefixItems"] = new JsonArray(Create(random, depth - 1), Create(random, depth - 1)),
        ["items"] = random.Next(2) == 0 ? false : Create(random, 0),
        ["minItems"] = random.Next(3),
        ["maxItems"] = 3,
    };

    private static JsonObject Object(Random random, int depth)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        foreach (var name in Names.Where(_ => random.Next(3) == 0))
        {
            properties[name] = Create(random, depth - 1);
            if (random.Next(2) == 0)
            {
                required.Add(name);
            }
        }

        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required };
        if (random.Next(3) > 0)
        {
            schema["additionalProperties"] = random.Next(2) == 0 ? false : Create(random, depth - 1);
        }

        if (random.Next(6) == 0)
        {
            schema["patternProperties"] = new JsonObject { ["^x-"] = Create(random, 0) };
        }

        if (properties.Count > 1 && random.Next(4) == 0)
        {
            var names = properties.Select(property => property.Key).ToList();
            if (random.Next(2) == 0)
            {
                schema["anyOf"] =
                    new JsonArray(names.Take(3).Select(name => (JsonNode)new JsonObject { ["required"] = new JsonArray(name) }).ToArray());
            }
            else
            {
                schema["dependentRequired"] = new JsonObject { [names[0]] = new JsonArray(names[^1]) };
            }
        }

        return schema;
    }
}
