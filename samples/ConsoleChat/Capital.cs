namespace ConsoleChat;

/// <summary>What the answer has to be with <c>--json</c>.</summary>
internal sealed record Capital(string City, string Country);
