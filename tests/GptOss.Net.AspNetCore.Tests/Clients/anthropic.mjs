// The official Anthropic package: messages whole and streamed, tools over two turns, counting.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const request = { model: "scripted", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
const tools = [{ name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }];

const whole = await client.messages.create(request);
assert.deepEqual(whole.content.map(block => block.type), ["thinking", "text"]);
assert.equal(whole.content[1].text, "Hello you");
assert.equal(whole.stop_reason, "end_turn");

const stream = client.messages.stream({ ...request, tools });
const final = await stream.finalMessage();
assert.equal(final.stop_reason, "tool_use");
const use = final.content.find(block => block.type === "tool_use");
assert.deepEqual(use.input, { city: "Paris" });
const next = await client.messages.create({
  ...request,
  tools,
  messages: [
    ...request.messages,
    { role: "assistant", content: final.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "18" }] },
  ],
});
assert.equal(next.content.at(-1).text, "It is 18");

const count = await client.messages.countTokens({ model: request.model, messages: request.messages });
assert.equal(count.input_tokens, 1);
await assert.rejects(client.messages.create({ ...request, model: "other" }), Anthropic.NotFoundError);
