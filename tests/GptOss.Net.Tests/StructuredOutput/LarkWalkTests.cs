using System.Text;
using GptOss.Net.StructuredOutput;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Random grammars in Lark's notation, against a recognizer that is nothing but their definition.</summary>
public sealed class LarkWalkTests
{
    private const int Texts = 20;
    private const int MaxLength = 40;

    [Fact]
    public void What_is_derived_from_a_grammar_is_accepted_and_what_is_accepted_can_be_derived()
    {
        for (var seed = 0; seed < LongTests.Cases(300, 20_000); seed++)
        {
            var definition = RandomLark.Create(seed);
            var grammar = LarkGrammars.Compile(definition.ToString());
            var random = new Random(seed);
            for (var i = 0; i < Texts; i++)
            {
                var derived = definition.Derive();
                LarkGrammars.Accepts(grammar, derived).Should().BeTrue("'{0}' is derived from {1} ({2})", derived, definition, seed);
                if (Walk(grammar.Start(), random, definition, seed) is { } walked)
                {
                    definition.Accepts(walked).Should().BeTrue("'{0}' was walked along {1} ({2})", walked, definition, seed);
                }

                var any = string.Concat(Enumerable.Range(0, random.Next(7)).Select(_ => "abc "[random.Next(4)]));
                LarkGrammars.Accepts(grammar, any).Should().Be(definition.Accepts(any), "of '{0}' and {1} ({2})", any, definition, seed);
            }
        }
    }

    // Letters that may follow, at random, until the text may end and does; null if it became long before.
    private static string? Walk(TextState state, Random random, RandomLark definition, int seed)
    {
        var text = new StringBuilder();
        while (!state.IsAccepting || random.Next(3) != 0)
        {
            var possible = "abc ".Where(letter => state.Advance((byte)letter) is not null).ToArray();
            if (possible.Length == 0)
            {
                state.IsAccepting.Should().BeTrue("something may follow '{0}' of {1} ({2})", text, definition, seed);
                break;
            }

            if (text.Length == MaxLength)
            {
                return null;
            }

            var letter = possible[random.Next(possible.Length)];
            text.Append(letter);
            state = state.Advance((byte)letter)!;
        }

        return text.ToString();
    }
}
