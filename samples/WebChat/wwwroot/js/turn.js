// One turn of the model: stream, run the functions that it calls, stream on. Everything is written into the message as it comes.
import { ApiError, streamChat } from "./api.js";
import { path, toRequest } from "./conversation.js";
import { runTool, toolDefinitions } from "./tools.js";

const MaxCalls = 12; // in one turn: a model can loop
const MaxWait = 30; // seconds
const LeastTime = 100; // ms: a speed of less says nothing

/**
 * Runs the turn of an assistant message. `changed()` is called whenever the message has more than before, `waits({ seconds, reason })` while
 * the server takes no request and `waits(null)` afterwards; `allows(call)` says whether a function may run. Ends with a state in the message,
 * never with an exception.
 */
export async function runTurn(conversation, message, { model, signal, changed, waits, allows }) {
  const begin = performance.now();
  const meter = { begin, streamed: 0, tokens: 0 };
  try {
    for (let calls = 0; ; calls++) {
      const before = message.parts.length;
      const { finish, usage } = await streamWhenFree(requestOf(conversation, message, model), { signal, waits, onDelta: delta => take(message, delta, meter, changed) });
      count(message, usage, meter);
      endReasoning(message);
      const open = message.parts.slice(before).filter(part => part.type === "call");
      if (open.length === 0 || calls === MaxCalls) {
        message.state = finish === "length" ? "length" : finish ? "done" : "interrupted";
        break;
      }

      for (const call of open) {
        changed();
        Object.assign(call, await allows(call) ? await runTool(call.name, call.arguments) : { error: "the user did not allow it" });
        signal.throwIfAborted();
      }
    }
  } catch (error) {
    endReasoning(message);
    message.state = signal.aborted ? "stopped" : message.parts.length > 0 && error.status === 0 ? "interrupted" : "failed";
    message.reason = signal.aborted ? null : error.message;
    if (!signal.aborted && !(error instanceof ApiError)) console.error(error);
  }

  message.timing.total = performance.now() - begin;
  changed();
}

function requestOf(conversation, message, model) {
  const { effort, temperature, topP, maxTokens, tools, json } = conversation.settings;
  const shown = path(conversation);
  const at = shown.indexOf(message);
  const body = { model, messages: toRequest(conversation, at < 0 ? shown : shown.slice(0, at + 1)), reasoning_effort: effort };
  if (temperature !== null) body.temperature = temperature;
  if (topP !== null) body.top_p = topP;
  if (maxTokens !== null) body.max_completion_tokens = maxTokens;
  if (json) body.response_format = { type: "json_object" };
  else if (tools) body.tools = toolDefinitions();
  return body;
}

/** A busy server says when to come back. */
async function streamWhenFree(body, { signal, waits, onDelta }) {
  for (;;) {
    try {
      return await streamChat(body, { signal, onDelta });
    } catch (error) {
      if (error.status !== 429 && error.status !== 503 || signal.aborted) throw error;
      const seconds = Math.min(error.retryAfter ?? 2, MaxWait);
      waits({ seconds, reason: error.status === 429 ? null : error.message });
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, seconds * 1_000);
        signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
      });
      waits(null);
    }
  }
}

function take(message, { reasoning, text, call }, meter, changed) {
  const now = performance.now();
  message.timing.first ??= now - meter.begin;
  meter.firstOfStream ??= now;
  meter.last = now;
  message.state = "streaming";
  if (reasoning) part(message, "reasoning").text += reasoning;
  if (text) {
    endReasoning(message);
    part(message, "text").text += text;
  }

  if (call) {
    endReasoning(message);
    if (call.id) message.parts.push({ type: "call", id: call.id, name: call.name, arguments: "" });
    message.parts.at(-1).arguments += call.arguments;
  }

  changed();
}

function part(message, type) {
  if (message.parts.at(-1)?.type !== type) message.parts.push({ type, text: "", ...(type === "reasoning" ? { begin: performance.now() } : {}) });
  return message.parts.at(-1);
}

function endReasoning(message) {
  const last = message.parts.at(-1);
  if (last?.type === "reasoning" && last.ms === undefined) {
    last.ms = performance.now() - last.begin;
    delete last.begin;
  }
}

// Tokens per second count from the first token: how fast it writes, not how long it read.
function count(message, usage, meter) {
  if (meter.firstOfStream) meter.streamed += meter.last - meter.firstOfStream;
  meter.firstOfStream = undefined;
  if (!usage) return;
  meter.tokens += usage.completion_tokens;
  message.usage = { prompt: usage.prompt_tokens, completion: meter.tokens, context: usage.total_tokens };
  message.timing.speed = meter.streamed > LeastTime ? meter.tokens / meter.streamed * 1_000 : null;
}
