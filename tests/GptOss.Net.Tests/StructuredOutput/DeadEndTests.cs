using System.Text;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>
/// No state that can be reached is without a way on: every byte is a token, so a byte that may follow is a token that may.
/// </summary>
public sealed class DeadEndTests
{
    private const int MaxStates = 3_000;

    [Theory]
    [InlineData("""{"type":"string","minLength":3,"maxLength":3}""")]
    [InlineData("""{"type":"string","minLength":6,"maxLength":7}""")]
    [InlineData("""{"type":["string","null"],"minLength":4,"maxLength":4}""")]
    [InlineData("""{"type":"string","minLength":1,"maxLength":1}""")]
    [InlineData("""{"type":"string","pattern":"^\\p{L}{2,3}$","maxLength":3}""")]
    [InlineData("""{"type":"string","pattern":"^(?=.*\\d)(?!.*a).{2,4}$"}""")]
    [InlineData("""{"type":"string","pattern":"^[\\x01\\ufffd😀]{1,3}$"}""")]
    [InlineData("""{"type":"string","pattern":"^[^\\x20-\\x7e]{2}$"}""")]
    [InlineData("""{"type":"integer","not":{"enum":[0,5]}}""")]
    [InlineData("""{"type":"number","minimum":0.01,"maximum":999.99}""")]
    [InlineData("""{"type":"object","patternProperties":{"^x-":{"type":"integer"},"-y$":{"minimum":5}}"""
        + ""","additionalProperties":{"type":"null"}}""")]
    public void No_state_is_a_dead_end(string schema) => Search(schema);

    [Fact]
    public void No_state_of_random_schemas_is_a_dead_end()
    {
        for (var seed = 0; seed < LongTests.Cases(20, 1_000); seed++)
        {
            Search(RandomSchema.Create(new Random(seed)).ToJsonString());
        }
    }

    private static void Search(string schema)
    {
        var start = Schemas.Compile(schema).Start();
        var texts = new Dictionary<TextState, byte[]> { [start] = [] };
        var open = new Queue<TextState>([start]);
        while (open.TryDequeue(out var state))
        {
            var isDeadEnd = !state.IsAccepting;
            for (var next = 0; next < 256; next++)
            {
                if (state.Advance((byte)next) is { } advanced)
                {
                    isDeadEnd = false;
                    if (texts.Count < MaxStates && texts.TryAdd(advanced, [.. texts[state], (byte)next]))
                    {
                        open.Enqueue(advanced);
                    }
                }
            }

            isDeadEnd.Should().BeFalse("nothing may follow '{0}' of {1}", Encoding.UTF8.GetString(texts[state]), schema);
        }
    }
}
