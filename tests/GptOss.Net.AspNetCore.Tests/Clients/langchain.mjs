// LangChain.js: invoke, stream, tools over two turns, structured output; chat completions and responses.
import assert from "node:assert/strict";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

const weather = tool(async ({ city }) => `18 in ${city}`, {
  name: "get_weather",
  description: "weather",
  schema: z.object({ city: z.string() }),
});

for (const useResponsesApi of [false, true]) {
  const model = new ChatOpenAI({
    model: "scripted",
    apiKey: "none",
    maxRetries: 0,
    useResponsesApi,
    configuration: { baseURL: `${process.argv[2]}/v1` },
  });
  assert.equal((await model.invoke("Hi")).text, "Hello you");
  let text = "";
  for await (const part of await model.stream("Hi")) text += part.text;
  assert.equal(text, "Hello you");

  const agent = model.bindTools([weather]);
  const messages = [new HumanMessage("Weather?")];
  const call = await agent.invoke(messages);
  assert.equal(call.tool_calls[0].name, "get_weather");
  assert.deepEqual(call.tool_calls[0].args, { city: "Paris" });
  messages.push(call, new ToolMessage({ content: await weather.invoke(call.tool_calls[0].args), tool_call_id: call.tool_calls[0].id }));
  assert.match((await agent.invoke(messages)).text, /18 in Paris/);

  const typed = model.withStructuredOutput(z.object({ city: z.string() }), { method: "jsonSchema", name: "city" });
  assert.deepEqual(await typed.invoke("City?"), { city: "Paris" });
}
