using System.Text.Json;
using CsCheck;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Streaming, whole responses and their JSON say the same.</summary>
public sealed class ChatStreamingTests
{
    private static readonly ChatOptions Full = new()
    {
        Reasoning = new() { Output = ReasoningOutput.Full },
        Tools = [AIFunctionFactory.Create((object[] a) => a.Length, "f")],
        MaxOutputTokens = 80,
        Temperature = 0,
    };

    private static readonly Gen<string> Text = Gen.OneOf(
        OneOf("It is 4.", "Ä 🦄 𓀀 ok", " ", "line\nline", """{"a":[1,2,{"b":null}]}""", "stop here", "..."),
        Gen.String[Gen.Char['a', 'z'], 0, 12]);

    private static readonly Gen<string> Turn =
        from thoughts in Text.Array[0, 2]
        from preambles in Text.Array[0, 2]
        from last in Text
        from ending in OneOf("final", "call", "cut")
        select string.Concat(thoughts.Select(text => $"<|channel|>analysis<|message|>{text}<|end|><|start|>assistant"))
            + string.Concat(preambles.Select(text => $"<|channel|>commentary<|message|>{text}<|end|><|start|>assistant"))
            + ending switch
            {
                "final" => $"<|channel|>final<|message|>{last}<|return|>",
                "call" => "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\":[1,\"ü\"]}<|call|>",
                _ => $"<|channel|>final<|message|>{string.Concat(Enumerable.Repeat(last + "-", 50))}",
            };

    [Fact]
    public void Streaming_gives_what_the_whole_response_gives()
    {
        string turn = "";
        using var chat = new ScriptedChat(prompt => Volatile.Read(ref turn));
        var count = 0;

        Turn.Sample(
            script =>
            {
                Volatile.Write(ref turn, script);
                var question = $"Question {count++}";
                var whole = chat.Ask(question, Full).GetAwaiter().GetResult();
                var streamed = chat.Stream(question, Full).GetAwaiter().GetResult().ToChatResponse();

                Normal(streamed).Should().Be(Normal(whole), script);
            },
            iter: LongTests.Cases(200, 2_000),
            threads: 1);
    }

    [Fact]
    public void Responses_survive_json()
    {
        string turn = "";
        using var chat = new ScriptedChat(prompt => Volatile.Read(ref turn));
        var count = 0;

        Turn.Sample(
            script =>
            {
                Volatile.Write(ref turn, script);
                var json = Json(chat.Ask($"Question {count++}", Full).GetAwaiter().GetResult());

                Json(JsonSerializer.Deserialize<ChatResponse>(json, AIJsonUtilities.DefaultOptions)).Should().Be(json);
            },
            iter: LongTests.Cases(200, 2_000),
            threads: 1);
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    private static string Json(ChatResponse? response) => JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions);

    /// <summary>Without what is new in every response: ids and times.</summary>
    private static string Normal(ChatResponse response)
    {
        (response.ResponseId, response.CreatedAt) = (null, null);
        foreach (var message in response.Messages)
        {
            foreach (var reasoning in message.Contents.OfType<TextReasoningContent>())
            {
                reasoning.ProtectedData.Should().NotBeNull();
            }

            (message.MessageId, message.CreatedAt) = (null, null);
            message.Contents = [.. message.Contents.Select(
                content => content is FunctionCallContent call ? new FunctionCallContent("", call.Name, call.Arguments) : content)];
        }

        return Json(response);
    }
}
