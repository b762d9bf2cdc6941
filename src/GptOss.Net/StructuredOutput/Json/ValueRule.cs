namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// The values that a schema allows: any of several forms. Rules refer to each other in cycles; they don't change once linked.
/// </summary>
/// <param name="minDepth">How many levels of arrays and objects the shallowest value has.</param>
internal sealed class ValueRule(int minDepth)
{
    private readonly List<ValueForm> _forms = [];
    private readonly List<ValueRule> _alternatives = [];

    /// <summary>
    /// How many levels of arrays and objects the shallowest value has; <see cref="ValueForm.Endless"/> if there is no value.
    /// </summary>
    public int MinDepth => minDepth;

    /// <summary>The forms of the value; complete after <see cref="Flatten"/>.</summary>
    public IReadOnlyList<ValueForm> Forms => _forms;

    public void Add(ValueForm form) => _forms.Add(form);

    public void Add(ValueRule alternative) => _alternatives.Add(alternative);

    /// <summary>Returns the state before the value, or null if no value is that shallow.</summary>
    public TextState? Start(TextState next, int depth) => _forms.Count == 1
        ? (_forms[0].MinDepth <= depth ? _forms[0].Start(next, depth) : null)
        : TextChoice.Create(_forms.Where(form => form.MinDepth <= depth).Select(form => form.Start(next, depth)));

    /// <summary>Makes the forms of all alternatives forms of this rule. Returns how many rules and forms were looked at.</summary>
    public int Flatten()
    {
        if (_alternatives.Count == 0)
        {
            return 1;
        }

        var seen = new HashSet<ValueRule> { this };
        var forms = new HashSet<ValueForm>(_forms);
        var open = new Stack<ValueRule>(_alternatives);
        _alternatives.Clear();
        while (open.TryPop(out var alternative))
        {
            if (!seen.Add(alternative))
            {
                continue;
            }

            _forms.AddRange(alternative._forms.Where(forms.Add));
            foreach (var nested in alternative._alternatives)
            {
                open.Push(nested);
            }
        }

        return seen.Count + _forms.Count;
    }
}
