using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Chat;
using GptOss.Net.AspNetCore.Contracts.Tokens;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>POST /tokenize</c> and <c>/detokenize</c>, as vLLM has them.</summary>
internal sealed class TokensEndpoint(OpenAIServer server, UnknownFields unknown)
{
    public async Task TokenizeAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.TokenizeRequest).ConfigureAwait(false);
        unknown.Log(body);
        server.CheckModel(body.Model);
        var tokens = body.Messages is null
            ? server.Tokens.Tokenizer.Encode(Check.Required(body.Prompt, "prompt"))
            : await EncodeAsync(request, body).ConfigureAwait(false);
        var reply = new TokenizeReply(tokens.Length, server.Tokens.MaxModelLength, tokens)
        {
            TokenStrs = body.ReturnTokenStrs is true ? [.. tokens.Select(token => server.Tokens.Tokenizer.Decode([token]))] : null,
        };
        await JsonBody.WriteAsync(request.Http, reply, ReplyJson.Default.TokenizeReply).ConfigureAwait(false);
    }

    private Task<int[]> EncodeAsync(ServedRequest request, TokenizeRequest body)
    {
        var chat = new ChatCompletionRequest { Messages = body.Messages, Tools = body.Tools, ReasoningEffort = body.ReasoningEffort };
        var call = ChatRequestMapper.Map(chat, server, request.Caller);
        return server.Tokens.EncodeAsync(call.Messages, call.Options, request.Ended);
    }

    public async Task DetokenizeAsync(ServedRequest request)
    {
        var body = await JsonBody.ReadAsync(request, RequestJson.Default.DetokenizeRequest).ConfigureAwait(false);
        unknown.Log(body);
        server.CheckModel(body.Model);
        var tokens = Check.Required(body.Tokens, "tokens");
        for (var i = 0; i < tokens.Count; i++)
        {
            TokenPrompt.Check(server.Tokens.Tokenizer, tokens[i], FormattableString.Invariant($"tokens[{i}]"));
        }

        var reply = new DetokenizeReply(server.Tokens.Tokenizer.Decode(tokens));
        await JsonBody.WriteAsync(request.Http, reply, ReplyJson.Default.DetokenizeReply).ConfigureAwait(false);
    }
}
