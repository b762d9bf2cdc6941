// Vercel's AI SDK with its provider for compatible servers: text, streams, tools over several steps, objects.
import assert from "node:assert/strict";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = createOpenAICompatible({
  name: "gptoss",
  baseURL: `${process.argv[2]}/v1`,
  apiKey: "none",
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = provider("scripted");
const tools = {
  get_weather: tool({ description: "weather", inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => `18 in ${city}` }),
};

const whole = await generateText({ model, prompt: "Hi" });
assert.equal(whole.text, "Hello you");
assert.equal(whole.reasoningText, "They greet");
assert.equal(whole.finishReason, "stop");

const stream = streamText({ model, prompt: "Hi" });
let text = "";
for await (const part of stream.textStream) text += part;
assert.equal(text, "Hello you");
assert.equal((await stream.usage).outputTokens, 4);

const agent = await generateText({ model, prompt: "Weather?", tools, stopWhen: stepCountIs(5) });
assert.match(agent.text, /18 in Paris/);
const streamedAgent = streamText({ model, prompt: "Weather?", tools, stopWhen: stepCountIs(5) });
assert.match(await streamedAgent.text, /18 in Paris/);
assert.equal((await streamedAgent.steps).length, 2);

const object = await generateText({ model, prompt: "City?", output: Output.object({ schema: z.object({ city: z.string() }) }) });
assert.deepEqual(object.output, { city: "Paris" });
