using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

/// <summary>What a sequence was like before a step was planned.</summary>
internal sealed record SequenceObservation(Sequence Sequence, SequenceStatus Status, bool IsDecoding, bool IsInFlight);
