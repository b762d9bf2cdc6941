namespace GptOss.Net.Harmony;

/// <summary>Computes how shallow the values of nodes can be.</summary>
internal static class SchemaDepths
{
    public static void Compute(IReadOnlyList<SchemaNode> nodes, SchemaBudget budget)
    {
        var users = new Dictionary<SchemaNode, List<SchemaNode>>(nodes.Count);
        foreach (var node in nodes)
        {
            foreach (var part in node.Parts().Where(part => part.MinDepth == SchemaNode.Endless))
            {
                budget.SpendWork(1);
                if (!users.TryGetValue(part, out var list))
                {
                    users.Add(part, list = []);
                }

                list.Add(node);
            }
        }

        var open = new Queue<SchemaNode>(nodes);
        while (open.TryDequeue(out var node))
        {
            budget.SpendWork(1);
            if (node.UpdateMinDepth() && users.TryGetValue(node, out var list))
            {
                foreach (var user in list)
                {
                    open.Enqueue(user);
                }
            }
        }
    }
}
