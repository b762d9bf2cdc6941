// The official `openai` package: chat and responses, whole and streamed, tools, structured output, errors.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}/v1`, apiKey: "none", maxRetries: 0 });
const model = "scripted";
const messages = [{ role: "user", content: "Hi" }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const chatTools = [{ type: "function", function: { name: "get_weather", parameters } }];
const tools = [{ type: "function", name: "get_weather", parameters, strict: true }];

// chat
const whole = await client.chat.completions.create({ model, messages });
assert.equal(whole.choices[0].message.content, "Hello you");
assert.equal(whole.choices[0].message.reasoning, "They greet");
const streamed = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
assert.equal(await streamed.finalContent(), "Hello you");
assert.equal((await streamed.totalUsage()).completion_tokens, 4);

// tools, over two turns, by the library's own loop
const runner = client.chat.completions.runTools({
  model,
  messages,
  stream: true,
  tools: [{ type: "function", function: { name: "get_weather", parameters, parse: JSON.parse, function: ({ city }) => `18 in ${city}` } }],
});
assert.equal(await runner.finalContent(), "It is 18 in Paris");

// structured output
const parsed = await client.chat.completions.parse({
  model,
  messages,
  response_format: { type: "json_schema", json_schema: { name: "city", strict: true, schema: parameters } },
});
assert.deepEqual(JSON.parse(parsed.choices[0].message.content), { city: "Paris" });

// responses
const response = await client.responses.create({ model, input: "Hi" });
assert.equal(response.output_text, "Hello you");
assert.deepEqual(response.output.map(item => item.type), ["reasoning", "message"]);
const events = [];
const stream = client.responses.stream({ model, input: "Hi", tools });
for await (const event of stream) events.push(event.type);
const final = await stream.finalResponse();
assert.ok(events.includes("response.reasoning_text.delta") && events.includes("response.function_call_arguments.done"));
assert.equal(events.at(-1), "response.completed");
const call = final.output.find(item => item.type === "function_call");
assert.deepEqual(JSON.parse(call.arguments), { city: "Paris" });
const next = await client.responses.create({
  model,
  previous_response_id: final.id,
  tools,
  input: [{ type: "function_call_output", call_id: call.call_id, output: "18" }],
});
assert.equal(next.output_text, "It is 18");
const stateless = await client.responses.create({
  model,
  store: false,
  tools,
  input: [...messages, ...final.output, { type: "function_call_output", call_id: call.call_id, output: "18" }],
});
assert.equal(stateless.output_text, "It is 18");
assert.equal((await client.responses.retrieve(final.id)).id, final.id);
assert.equal((await client.responses.inputItems.list(final.id)).data.length, 1);
const replay = client.responses.stream({ response_id: final.id });
assert.equal((await replay.finalResponse()).id, final.id);
await client.responses.delete(final.id);
await assert.rejects(client.responses.retrieve(final.id), OpenAI.NotFoundError);

// the rest
assert.equal((await client.models.list()).data[0].id, model);
assert.equal((await client.completions.create({ model, prompt: "A" })).choices[0].text, " and so on");
await assert.rejects(client.chat.completions.create({ model, messages, temperature: 9 }), error => {
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.equal(error.param, "temperature");
  assert.equal(error.code, "invalid_value");
  assert.match(error.message, /from 0 to 2/);
  assert.ok(error.requestID.startsWith("req_"));
  return true;
});
