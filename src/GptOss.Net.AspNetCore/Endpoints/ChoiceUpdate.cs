using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>An update of one of several answers.</summary>
internal readonly record struct ChoiceUpdate(int Index, ChatResponseUpdate Update);
