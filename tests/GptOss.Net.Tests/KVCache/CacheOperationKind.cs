namespace GptOss.Net.Tests.KVCache;

internal enum CacheOperationKind
{
    Start,
    Compute,
    Fork,
    Preempt,
    Finish,
    Forget,
}
