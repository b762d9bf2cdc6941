namespace GptOss.Net.Execution;

/// <summary>
/// A model of which several backends have consecutive parts, each on its own kernels: what one computes is what the next goes on from,
/// hidden states in float32 through main memory.
/// </summary>
/// <remarks>
/// While one link computes its part of a step, the one before it computes the next, of other sequences, each on a thread of its own
/// (<see cref="StagePipeline{TStep}"/>). The last one samples, or leaves it to the host; the first needs the tokens, so no step runs ahead.
/// </remarks>
internal sealed class ExecutorChain : IModelExecutor
{
    private readonly IReadOnlyList<IModelExecutor> _links;
    private readonly StagePipeline<ChainStep> _pipeline;

    /// <param name="links">The executors of consecutive parts; the chain owns them.</param>
    public ExecutorChain(IReadOnlyList<IModelExecutor> links)
    {
        _links = links;
        _pipeline = new StagePipeline<ChainStep>([.. links.Select<IModelExecutor, Action<ChainStep>>(link => step => step.Run(link))]);
    }

    public int MaxStepsInFlight => _pipeline.Capacity;

    public long MappedWeightBytes => _links.Sum(link => link.MappedWeightBytes);

    /// <summary>
    /// Loads the parts, each run of parts of one backend by that backend; of a single backend all of the model is its own.
    /// </summary>
    /// <param name="request">The whole model.</param>
    /// <param name="backendOf">The backend of a device.</param>
    public static IModelExecutor Create(ExecutorRequest request, Func<DeviceId, IExecutorBackend> backendOf)
    {
        var runs = new List<(IExecutorBackend Backend, List<ModelPart> Parts)>();
        foreach (var part in request.Parts)
        {
            var backend = backendOf(part.Device);
            if (runs.Count == 0 || runs[^1].Backend != backend)
            {
                runs.Add((backend, []));
            }

            runs[^1].Parts.Add(part);
        }

        if (runs.Count == 1)
        {
            return runs[0].Backend.Create(request);
        }

        var links = new List<IModelExecutor>();
        try
        {
            foreach (var (backend, parts) in runs)
            {
                links.Add(backend.Create(request with { Parts = parts }));
            }

            return new ExecutorChain(links);
        }
        catch
        {
            links.ForEach(link => link.Dispose());
            throw;
        }
    }

    public void Begin(StepBatch batch) => _pipeline.Begin(new ChainStep(batch));

    public StepResult Complete()
    {
        using var step = _pipeline.Complete();
        return step.Result();
    }

    public bool CanContinue() => _links.All(link => link.CanContinue());

    public void Dispose()
    {
        _pipeline.Dispose();
        foreach (var link in _links)
        {
            link.Dispose();
        }
    }
}
