namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Finds which terminals may begin at a point of a text.</summary>
/// <param name="network">The rules.</param>
/// <param name="returns">The return points that are in use.</param>
internal sealed class RulePrediction(RuleNetwork network, ReturnPoints returns)
{
    private readonly HashSet<RulePlace> _seen = [];
    private readonly Stack<RulePlace> _open = new();
    private readonly Dictionary<int, RuleCall> _calls = []; // by rule
    private readonly Dictionary<ReturnPoint, RuleCall> _pending = [];
    private readonly HashSet<RuleThread> _threads = [];

    /// <summary>Whether the text may end here.</summary>
    public bool EndsText { get; private set; }

    /// <summary>Returns the terminals that were begun, and those that may begin.</summary>
    public RuleThread[] Predict(RuleKernel kernel)
    {
        EndsText = kernel.EndsText;
        foreach (var place in kernel.Places)
        {
            Add(place);
        }

        while (_open.TryPop(out var place))
        {
            Visit(place);
        }

        return [.. kernel.Threads.Union(_threads.Select(thread => thread with { Return = Finish(thread.Return) }))];
    }

    private void Add(RulePlace place)
    {
        if (_seen.Add(place))
        {
            _open.Push(place);
        }
    }

    private void Visit(RulePlace place)
    {
        if (network.IsEnd(place.Node))
        {
            Return(place.Return);
        }

        foreach (var edge in network.Edges(place.Node))
        {
            var behind = new RulePlace(edge.Target, place.Return);
            if (place.Return.Depth + network.Need(edge.Target) > RuleNetwork.MaxDepth)
            {
                continue;
            }

            if (!edge.IsTerminal)
            {
                Call(edge.Rule, behind);
                continue;
            }

            var scan = network.Scans[edge.Symbol];
            if (scan.Automaton.Steps(0).Length > 0)
            {
                _threads.Add(new RuleThread(scan, 0, place.Return));
            }

            if (scan.Automaton.IsAccepting(0))
            {
                Add(behind);
            }
        }
    }

    private void Return(ReturnPoint end)
    {
        IReadOnlyList<RulePlace> places = end.Places;
        if (_pending.TryGetValue(end, out var call))
        {
            call.MayBeEmpty = true;
            places = call.Callers;
        }

        EndsText |= end.EndsText;
        foreach (var place in places)
        {
            Add(place);
        }
    }

    private void Call(int rule, RulePlace behind)
    {
        // A rule does not wait where it ends with the one that it names, nor does one more wait at the same point of the text.
        var depth = behind.Return.Depth + (network.MustEnd(behind.Node) || _pending.ContainsKey(behind.Return) ? 0 : 1);
        if (depth + network.Need(network.Start(rule)) > RuleNetwork.MaxDepth)
        {
            return;
        }

        if (!_calls.TryGetValue(rule, out var call))
        {
            call = new RuleCall(rule, returns.Create(depth));
            _calls.Add(rule, call);
            _pending.Add(call.Return, call);
            Add(new RulePlace(network.Start(rule), call.Return));
        }

        call.Return.Depth = Math.Min(call.Return.Depth, depth);
        call.Callers.Add(behind);
        if (call.MayBeEmpty)
        {
            Add(behind);
        }
    }

    /// <summary>Completes a return point, once all callers are known; returns it, or one that is the same.</summary>
    private ReturnPoint Finish(ReturnPoint end)
    {
        if (!_pending.TryGetValue(end, out var call))
        {
            return end;
        }

        if (call.IsOpen)
        {
            call.IsCyclic = true;
            return end;
        }

        if (call.Result is null)
        {
            call.IsOpen = true;
            call.Result = Complete(call);
            call.IsOpen = false;
        }

        return call.Result;
    }

    private ReturnPoint Complete(RuleCall call)
    {
        // Where a rule must end behind the one that it names, what follows both is the same.
        var (waiting, ending) = (new List<RulePlace>(), new HashSet<ReturnPoint>());
        var seen = new HashSet<RuleCall> { call };
        var open = new Stack<RuleCall>([call]);
        while (open.TryPop(out var next))
        {
            foreach (var caller in next.Callers)
            {
                if (!network.MustEnd(caller.Node))
                {
                    waiting.Add(caller);
                }
                else if (!_pending.TryGetValue(caller.Return, out var outer))
                {
                    ending.Add(caller.Return);
                }
                else if (seen.Add(outer))
                {
                    open.Push(outer);
                }
            }
        }

        if (waiting.Count == 0 && ending.Count == 1)
        {
            return ending.Single();
        }

        var places = waiting.Select(place => place with { Return = Finish(place.Return) }).Concat(ending.SelectMany(outer => outer.Places));
        call.Return.Complete([.. places.Distinct()], ending.Any(outer => outer.EndsText));
        return call.IsCyclic ? call.Return : returns.Share(call.Return);
    }
}
