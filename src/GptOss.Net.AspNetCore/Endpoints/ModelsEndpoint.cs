using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>GET /v1/models</c> and <c>/v1/models/{id}</c>; they answer while the model loads, too.</summary>
internal sealed class ModelsEndpoint(OpenAIServer server)
{
    public Task ListAsync(ServedRequest request)
    {
        var model = Describe();
        return JsonBody.WriteAsync(request.Http, new ModelList([model], model.Id, model.Id), ReplyJson.Default.ModelList);
    }

    public Task GetAsync(ServedRequest request)
    {
        server.CheckModel(request.Http.GetRouteValue("id") as string);
        return JsonBody.WriteAsync(request.Http, Describe(), ReplyJson.Default.ModelEntry);
    }

    private ModelEntry Describe() => new(server.ModelId, server.StartedAt.ToUnixTimeSeconds())
    {
        MaxModelLen = server.Status.Model?.MaxModelLength,
        Status = server.Status.State switch
        {
            ModelState.Loading => "loading",
            ModelState.Ready => "ready",
            _ => "failed",
        },
    };
}
