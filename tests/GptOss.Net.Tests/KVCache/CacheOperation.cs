namespace GptOss.Net.Tests.KVCache;

internal sealed record CacheOperation(CacheOperationKind Kind, int Target, int Tokens);
