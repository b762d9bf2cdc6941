// The server's HTTP API: streaming chat, status, models.

const keyName = "api-key";
export const apiKey = {
  get: () => { try { return sessionStorage.getItem(keyName); } catch { return null; } },
  set: value => { try { sessionStorage.setItem(keyName, value); } catch { /* asked again */ } },
};

/** What the server answered instead of a stream. `status` is 0 when it did not answer at all. */
export class ApiError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

async function request(path, { body, signal } = {}) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (apiKey.get()) headers.Authorization = `Bearer ${apiKey.get()}`;
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, error.message);
  }

  if (!response.ok) {
    const text = await response.text();
    let message = text;
    try { message = JSON.parse(text).error.message; } catch { /* not ours */ }
    throw new ApiError(response.status, message || response.statusText, Number(response.headers.get("Retry-After")) || null);
  }

  return response;
}

/** The data of each server-sent event. */
async function* events(response) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of read(response.body)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) yield line.slice(5).trim();
    }
  }
}

async function* read(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * Streams one answer. Calls onDelta with { reasoning?, text?, call?: { index, id, name, arguments } } as they come, and returns
 * { finish, usage }; finish is null when the stream broke off.
 */
export async function streamChat(body, { signal, onDelta }) {
  const response = await request("/v1/chat/completions", { body: { ...body, stream: true, stream_options: { include_usage: true } }, signal });
  let [finish, usage] = [null, null];
  try {
    for await (const data of events(response)) {
      if (data === "[DONE]") break;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiError(500, chunk.error.message);
      usage = chunk.usage ?? usage;
      const choice = chunk.choices?.[0];
      if (!choice) continue;
      finish = choice.finish_reason ?? finish;
      const { reasoning_content: reasoning, content: text, tool_calls: calls } = choice.delta ?? {};
      if (reasoning) onDelta({ reasoning });
      if (text) onDelta({ text });
      for (const call of calls ?? []) {
        onDelta({ call: { index: call.index ?? 0, id: call.id, name: call.function?.name, arguments: call.function?.arguments ?? "" } });
      }
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
  }

  return { finish, usage };
}

/** The server's state, once a second, for as long as the page is visible and `signal` is not aborted. Null while it does not answer. */
export async function* watchStatus(signal) {
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
  let wait = 500;
  while (!signal.aborted) {
    if (document.hidden) {
      await pause(500);
      continue;
    }

    const watching = new AbortController();
    const hide = () => document.hidden && watching.abort();
    const stop = () => watching.abort();
    document.addEventListener("visibilitychange", hide);
    signal.addEventListener("abort", stop);
    try {
      for await (const data of events(await request("/v1/status?stream=true", { signal: watching.signal }))) {
        wait = 500;
        yield JSON.parse(data);
      }
    } catch (error) {
      if (!watching.signal.aborted) yield error.status === 401 ? { status: "key", isRefused: Boolean(apiKey.get()) } : null;
    } finally {
      document.removeEventListener("visibilitychange", hide);
      signal.removeEventListener("abort", stop);
    }

    await pause(wait);
    wait = Math.min(wait * 2, 5_000);
  }
}
