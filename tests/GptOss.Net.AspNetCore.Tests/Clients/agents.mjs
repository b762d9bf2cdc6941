// OpenAI's Agents SDK over both families: tools over several turns, whole and streamed, structured output.
import assert from "node:assert/strict";
import { Agent, run, setDefaultOpenAIClient, setOpenAIAPI, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

setTracingDisabled(true);
setDefaultOpenAIClient(new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none", maxRetries: 0 }));
const weather = tool({
  name: "get_weather",
  description: "weather",
  parameters: z.object({ city: z.string() }),
  execute: async ({ city }) => `18 in ${city}`,
});

for (const api of ["chat_completions", "responses"]) {
  setOpenAIAPI(api);
  const greeter = new Agent({ name: "Greeter", instructions: "Greet.", model: "scripted" });
  assert.equal((await run(greeter, "Hi")).finalOutput, "Hello you");

  const agent = new Agent({ name: "Weather", instructions: "Use the tool.", model: "scripted", tools: [weather] });
  assert.match((await run(agent, "Weather?")).finalOutput, /18 in Paris/);
  const stream = await run(agent, "Weather?", { stream: true });
  let text = "";
  for await (const part of stream.toTextStream()) text += part;
  await stream.completed;
  assert.match(text, /18 in Paris/);

  const typed = new Agent({ name: "Typed", instructions: "City.", model: "scripted", outputType: z.object({ city: z.string() }) });
  assert.deepEqual((await run(typed, "City?")).finalOutput, { city: "Paris" });
}
