using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>A schema that a value must satisfy, by itself or together with other parts.</summary>
/// <param name="Element">The schema.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Resolved">How many of its choices (nullable, anyOf, oneOf, dependencies) other parts stand for already.</param>
internal readonly record struct SchemaPart(JsonElement Element, SchemaPath Path, int Resolved = 0);
