// Export and import of conversations as one versioned JSON. What is imported is checked field by field; unknown fields are dropped.
import { defaultSettings, newId } from "./conversation.js";

const Format = "gptoss-chat";
const Version = 1;
const MaxBytes = 64 * 1024 * 1024;
const MaxConversations = 10_000;
const MaxMessages = 20_000;
const states = new Set(["done", "stopped", "length", "interrupted", "failed"]);

export const exportJson = conversations => JSON.stringify({ format: Format, version: Version, conversations }, null, 1);

/** Reads an export. Every conversation and message gets an id of its own, so that nothing is overwritten. Throws an Error that says what is wrong. */
export function importJson(text) {
  if (text.length > MaxBytes) throw new Error(`it has more than ${MaxBytes / 1024 / 1024} MB`);
  let file;
  try { file = JSON.parse(text); } catch { throw new Error("it is not JSON"); }
  if (file?.format !== Format) throw new Error("it is not an export of this page");
  if (file.version !== Version) throw new Error(`it has version ${String(file.version).slice(0, 20)}; this page reads version ${Version}`);
  if (!Array.isArray(file.conversations)) throw new Error("it has no list of conversations");
  if (file.conversations.length > MaxConversations) throw new Error(`it has more than ${MaxConversations} conversations`);
  return file.conversations.map(conversation);
}

const isObject = value => value !== null && typeof value === "object" && !Array.isArray(value);
const string = value => typeof value === "string" ? value : "";
const numberOrNull = (value, least, most) => typeof value === "number" && value >= least && value <= most ? value : null;
const time = value => numberOrNull(value, 0, 8e15) ?? Date.now();

function conversation(source, index) {
  if (!isObject(source) || !isObject(source.messages)) throw new Error(`conversation ${index + 1} has no messages`);
  const entries = Object.entries(source.messages);
  if (entries.length > MaxMessages) throw new Error(`conversation ${index + 1} has more than ${MaxMessages} messages`);
  const ids = new Map(entries.map(([id]) => [id, newId()]));
  const messages = {};
  for (const [id, value] of entries) {
    const read = message(value, ids, index);
    messages[ids.get(id)] = { ...read, id: ids.get(id) };
  }

  checkTree(messages, index);
  return {
    id: newId(), title: string(source.title).slice(0, 200), created: time(source.created), updated: time(source.updated),
    settings: settings(source.settings), messages, leaf: ids.get(source.leaf) ?? null,
  };
}

function message(source, ids, index) {
  if (!isObject(source)) throw new Error(`conversation ${index + 1} has a message that is no object`);
  const common = { parent: source.parent == null ? null : ids.get(source.parent) ?? null, created: time(source.created) };
  if (source.role === "user") {
    const files = Array.isArray(source.files) ? source.files.filter(isObject).map(file => ({ name: string(file.name).slice(0, 255), text: string(file.text) })) : [];
    return { ...common, role: "user", text: string(source.text), files };
  }

  if (source.role !== "assistant" || !Array.isArray(source.parts)) throw new Error(`conversation ${index + 1} has a message of neither user nor assistant`);
  return {
    ...common, role: "assistant", parts: source.parts.filter(isObject).map(part).filter(Boolean),
    state: states.has(source.state) ? source.state : "done", reason: source.reason == null ? null : string(source.reason), usage: null, timing: {},
  };
}

function part(source) {
  if (source.type === "reasoning" || source.type === "text") return { type: source.type, text: string(source.text), ms: numberOrNull(source.ms, 0, 1e9) ?? undefined };
  if (source.type !== "call") return null;
  const ended = source.error === undefined ? { result: string(source.result) } : { error: string(source.error) };
  return { type: "call", id: string(source.id), name: string(source.name), arguments: string(source.arguments), ...ended };
}

function settings(source) {
  const given = isObject(source) ? source : {};
  return {
    ...defaultSettings,
    system: string(given.system),
    effort: ["low", "medium", "high"].includes(given.effort) ? given.effort : defaultSettings.effort,
    temperature: numberOrNull(given.temperature, 0, 2), topP: numberOrNull(given.topP, 0, 1), maxTokens: numberOrNull(given.maxTokens, 1, 1e6),
    tools: given.tools !== false, asks: given.asks === true, json: given.json === true,
  };
}

function checkTree(messages, index) {
  const rooted = new Set([null]);
  for (const start of Object.values(messages)) {
    const walked = new Set();
    for (let id = start.id; !rooted.has(id) && messages[id]; id = messages[id].parent) {
      if (walked.has(id)) throw new Error(`conversation ${index + 1} runs in a circle`);
      walked.add(id);
    }

    walked.forEach(id => rooted.add(id));
  }
}
