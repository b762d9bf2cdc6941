// A conversation is a tree of messages and the leaf that is shown. Editing and regenerating add siblings.
//   conversation: { id, title, created, updated, settings, messages: { id: message }, leaf }
//   user:         { id, parent, role: "user", created, text, files: [{ name, text }] }
//   assistant:    { id, parent, role: "assistant", created, parts, state, reason, usage, timing }
//   part:         { type: "reasoning" | "text", text, ms? } or { type: "call", id, name, arguments, asks?, result, error }
//   state:        waiting | streaming | done | stopped | length | interrupted | failed

export const defaultSettings = { system: "", effort: "medium", temperature: null, topP: null, maxTokens: null, tools: true, asks: false, json: false };

export const newId = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, "0")).join("");

export const newConversation = (settings = defaultSettings) => ({
  id: newId(), title: "", created: Date.now(), updated: Date.now(), settings: { ...settings }, messages: {}, leaf: null,
});

/** The messages from the root to the leaf. */
export function path(conversation) {
  const shown = [];
  for (let id = conversation.leaf; id && conversation.messages[id]; id = conversation.messages[id].parent) shown.unshift(conversation.messages[id]);
  return shown;
}

const siblingsOf = (conversation, message) => Object.values(conversation.messages)
  .filter(other => other.parent === message.parent && other.role === message.role)
  .sort((a, b) => a.created - b.created);

/** Which of its versions a message is: { index, count }, both from 1. */
export function version(conversation, message) {
  const siblings = siblingsOf(conversation, message);
  return { index: siblings.indexOf(message) + 1, count: siblings.length };
}

/** Shows the version before or after a message, down to its newest leaf. */
export function walk(conversation, message, step) {
  const siblings = siblingsOf(conversation, message);
  const target = siblings[siblings.indexOf(message) + step];
  if (target) conversation.leaf = newestLeaf(conversation, target.id);
}

function newestLeaf(conversation, id) {
  const children = Object.values(conversation.messages).filter(message => message.parent === id).sort((a, b) => a.created - b.created);
  return children.length ? newestLeaf(conversation, children.at(-1).id) : id;
}

function add(conversation, message) {
  // Two messages of the same millisecond keep their order.
  const last = Math.max(0, ...Object.values(conversation.messages).map(other => other.created));
  message.created = Math.max(message.created, last + 1);
  conversation.messages[message.id] = message;
  conversation.leaf = message.id;
  conversation.updated = Date.now();
  return message;
}

export function addUser(conversation, text, files = [], parent = conversation.leaf) {
  conversation.title ||= (text.trim() || files[0]?.name || "").split("\n")[0].slice(0, 80);
  return add(conversation, { id: newId(), parent, role: "user", created: Date.now(), text, files });
}

export const addAssistant = (conversation, parent) =>
  add(conversation, { id: newId(), parent, role: "assistant", created: Date.now(), parts: [], state: "waiting", reason: null, usage: null, timing: {} });

export const textOf = message => message.role === "user" ? message.text : message.parts.filter(part => part.type === "text").map(part => part.text).join("\n\n");

/** What is sent to the model: the shown messages as the chat completions API takes them. */
export function toRequest(conversation, messages = path(conversation)) {
  const result = conversation.settings.system.trim() ? [{ role: "system", content: conversation.settings.system }] : [];
  for (const message of messages) {
    if (message.role === "user") result.push({ role: "user", content: userContent(message) });
    else result.push(...assistantMessages(message));
  }

  return result;
}

function userContent({ text, files }) {
  const attached = files.map(file => {
    const fence = "`".repeat(Math.max(3, longestRun(file.text) + 1));
    return `File ${file.name}:\n${fence}\n${file.text}\n${fence}`;
  });
  return [...attached, text].filter(Boolean).join("\n\n");
}

const longestRun = text => Math.max(0, ...(text.match(/`+/g) ?? []).map(run => run.length));

// A turn with calls is several messages: thought and call, result, thought and call, result, thought and answer.
function assistantMessages({ parts }) {
  const result = [];
  let open = null;
  for (const part of parts) {
    open ??= { role: "assistant", content: "" };
    if (part.type === "reasoning") open.reasoning_content = (open.reasoning_content ?? "") + part.text;
    else if (part.type === "text") open.content += part.text;
    else if (part.result !== undefined || part.error !== undefined) {
      open.tool_calls = [{ id: part.id, type: "function", function: { name: part.name, arguments: part.arguments } }];
      result.push(open, { role: "tool", tool_call_id: part.id, content: part.result ?? `Error: ${part.error}` });
      open = null;
    }
  }

  if (open && (open.content || result.length === 0 && open.reasoning_content)) result.push(open);
  return result;
}
