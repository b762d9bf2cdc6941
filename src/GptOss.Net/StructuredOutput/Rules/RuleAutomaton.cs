namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>
/// The texts that follow rules, as an automaton whose states are made when they are met first. Safe for use by several threads.
/// </summary>
/// <remarks>
/// All readings of a text are followed at once, and what they have in common is kept once: rules that may begin at the same point of the
/// text share what follows them, so that neither ambiguous rules nor ones that begin with themselves grow without end. A rule that ends
/// with another one does not wait for it: lists that go on to the right do not nest.
/// </remarks>
internal sealed class RuleAutomaton
{
    // Threads and steps, of some 24 bytes each: about 12 MB.
    private const int Capacity = 500_000;

    // What an empty text costs, in the same measure.
    private const int TextCost = 16;

    private readonly RuleNetwork _network;
    private readonly int _capacity;
    private readonly Lock _lock = new();
    private readonly ReturnPoints _returns = new();
    private readonly Dictionary<string, RuleText> _texts = new(StringComparer.Ordinal);
    private readonly List<RuleText> _remembering = [];
    private int _size;

    public RuleAutomaton(RuleNetwork network, int capacity = Capacity)
    {
        (_network, _capacity) = (network, capacity);
        var kernel = CreateKernel();
        kernel.Add(new RulePlace(network.Root, _returns.Create(depth: 0).Complete([], endsText: true)));
        Start = TextOf(kernel);
    }

    /// <summary>Before the text.</summary>
    public RuleText Start { get; }

    public RuleKernel CreateKernel() => new(_network);

    /// <summary>Returns the state of a kernel.</summary>
    public RuleText TextOf(RuleKernel kernel)
    {
        var key = kernel.Key();
        lock (_lock)
        {
            if (!_texts.TryGetValue(key, out var text))
            {
                var prediction = new RulePrediction(_network, _returns);
                var threads = prediction.Predict(kernel);
                text = new RuleText(this, threads, prediction.EndsText);
                Spend(TextCost + threads.Length);
                _texts.Add(key, text);
            }

            return text;
        }
    }

    /// <summary>Notes that a text keeps what so many ranges of characters lead to.</summary>
    public void Remember(RuleText text, int ranges)
    {
        lock (_lock)
        {
            Spend(ranges);
            _remembering.Add(text);
        }
    }

    // What is forgotten is found again; states that were equal are told apart from then on, which costs masks alone.
    private void Spend(int size)
    {
        _size += size;
        if (_size > _capacity)
        {
            _size = size;
            _remembering.ForEach(text => text.Forget());
            _remembering.Clear();
            _texts.Clear();
            _returns.Clear();
        }
    }
}
