using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A part of an item.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(OutputTextPart), "output_text")]
[JsonDerivedType(typeof(ReasoningTextPart), "reasoning_text")]
[JsonDerivedType(typeof(InputTextPart), "input_text")]
internal abstract record ResponsePart(string Text);
