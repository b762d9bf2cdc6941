// One message of the conversation.
import { html, useEffect, useLayoutEffect, useReducer, useRef, useState } from "../lib/preact.js";
import { copy } from "./code.js";
import { textOf } from "./conversation.js";
import { number, seconds, t } from "./i18n/index.js";
import { MarkdownView } from "./markdown.js";
import { canRead, readAloud, stopReading } from "./speech.js";
import { Icon, IconButton } from "./ui.js";

const isRunning = message => message.state === "waiting" || message.state === "streaming";

export function Message({ message, version, isBusy, actions }) {
  const isUser = message.role === "user";
  const [, draw] = useReducer(count => count + 1, 0);
  useLayoutEffect(() => actions.onGrowth(message, draw), [message]);
  return html`<article class=${`message ${message.role}`} aria-label=${t(isUser ? "you" : "assistant")} data-state=${message.state}>
    ${isUser ? html`<${UserMessage} ...${{ message, actions, isBusy }} />` : html`<${AssistantMessage} message=${message} actions=${actions} />`}
    ${!isRunning(message) && !actions.isEditing(message) && html`<${Footer} ...${{ message, version, isBusy, actions, isUser }} />`}
  </article>`;
}

function UserMessage({ message, actions, isBusy }) {
  if (!actions.isEditing(message)) {
    return html`<div class="bubble">
      ${message.files.map(file => html`<span class="file"><${Icon} name="attach" />${file.name}</span>`)}
      <div class="plain">${message.text}</div>
    </div>`;
  }

  return html`<${Editor} text=${message.text} isBusy=${isBusy} onSend=${text => actions.edit(message, text)} onCancel=${actions.cancelEdit} />`;
}

function Editor({ text, isBusy, onSend, onCancel }) {
  const area = useRef();
  useEffect(() => { area.current.focus(); area.current.setSelectionRange(text.length, text.length); }, []);
  const submit = event => {
    event.preventDefault();
    if (area.current.value.trim() && !isBusy) onSend(area.current.value);
  };
  return html`<form class="editor" onSubmit=${submit} onKeyDown=${event => event.key === "Escape" && onCancel()}>
    <textarea ref=${area} aria-label=${t("edit")} rows="3" defaultValue=${text}></textarea>
    <div class="buttons"><button type="button" onClick=${onCancel}>${t("cancel")}</button><button class="primary" disabled=${isBusy}>${t("send")}</button></div>
  </form>`;
}

function AssistantMessage({ message, actions }) {
  const last = message.parts.at(-1);
  return html`
    ${message.parts.map((part, i) => html`<${Part} key=${i} part=${part} isLast=${part === last} isRunning=${isRunning(message)} actions=${actions} />`)}
    ${message.state === "waiting" && html`<p class="waiting" role="status"><span class="pulse"></span>${actions.waitText(message)}</p>`}
    <${Ending} message=${message} actions=${actions} />`;
}

function Part({ part, isLast, isRunning, actions }) {
  const grows = isLast && isRunning;
  if (part.type === "reasoning") return html`<${Reasoning} part=${part} grows=${grows} />`;
  if (part.type === "call") return html`<${Call} ...${{ part, isRunning, actions }} />`;
  return html`<${Markdown} text=${part.text} isFinal=${!grows} />`;
}

function Markdown({ text, isFinal }) {
  const element = useRef();
  const view = useRef();
  useLayoutEffect(() => {
    view.current ??= new MarkdownView(element.current);
    view.current.set(text, isFinal);
  }, [text, isFinal]);
  return html`<div class="markdown" ref=${element} dir="auto"></div>`;
}

function Reasoning({ part, grows }) {
  const [choice, choose] = useState(null); // open or closed by hand
  const isOpen = choice ?? grows;
  const toggle = event => {
    event.preventDefault();
    choose(!isOpen);
  };
  return html`<details class="reasoning" open=${isOpen}>
    <summary onClick=${toggle}>${grows ? t("thinking") : t("thought", { time: seconds(part.ms ?? 0) })}</summary>
    <div class="plain" dir="auto">${part.text}</div>
  </details>`;
}

function Call({ part, isRunning, actions }) {
  const asks = isRunning && part.asks;
  const ended = part.result !== undefined ? "callDone" : part.error !== undefined ? "callFailed" : null;
  const state = ended ?? (asks ? "callAsks" : isRunning ? "callRunning" : "callStopped");
  return html`<details class="call" data-state=${state} open=${asks || undefined}>
    <summary><${Icon} name="tool" />${t(state, { name: part.name })}</summary>
    <table><caption>${t("callArguments")}</caption><tbody>
      ${argumentsOf(part).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}
    </tbody></table>
    ${(part.result ?? part.error) !== undefined && html`<p class="result"><b>${t("callResult")}</b> <span class="plain">${part.result ?? part.error}</span></p>`}
    ${asks && html`<div class="buttons"><button type="button" onClick=${() => actions.decide(false)}>${t("deny")}</button>
      <button type="button" class="primary" onClick=${() => actions.decide(true)}>${t("allow")}</button></div>`}
  </details>`;
}

function argumentsOf(part) {
  try {
    return Object.entries(JSON.parse(part.arguments)).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
  } catch {
    return [["", part.arguments]];
  }
}

function Ending({ message, actions }) {
  const again = html`<button type="button" onClick=${() => actions.regenerate(message)}>${t("tryAgain")}</button>`;
  switch (message.state) {
    case "stopped": return html`<p class="note">${t("stopped")}</p>`;
    case "interrupted": return html`<p class="note warning">${t("interrupted")} ${again}</p>`;
    case "failed": return html`<p class="note danger" role="alert">${t("failed", { reason: message.reason })} ${again}</p>`;
    case "length": return html`<p class="note">${message.limit ? t("cutOff", { limit: t("tokens", { count: number(message.limit) }) }) : t("cutOffLength")}
      ${" "}<button type="button" onClick=${() => actions.goOn(message)}>${t("continue")}</button></p>`;
    default: return null;
  }
}

function Footer({ message, version, isBusy, actions, isUser }) {
  const [reads, setReads] = useState(false);
  const read = () => {
    if (reads) stopReading();
    else readAloud(textOf(message), () => setReads(false));
    setReads(!reads);
  };
  return html`<footer>
    <${IconButton} icon="copy" label=${t("copy")} onClick=${event => copy(textOf(message), event.currentTarget)} />
    ${isUser && html`<${IconButton} icon="edit" label=${t("edit")} disabled=${isBusy} onClick=${() => actions.beginEdit(message)} />`}
    ${!isUser && html`<${IconButton} icon="again" label=${t("regenerate")} disabled=${isBusy} onClick=${() => actions.regenerate(message)} />`}
    ${!isUser && canRead && html`<${IconButton} icon=${reads ? "stop" : "speak"} label=${t(reads ? "stopReading" : "readAloud")} onClick=${read} />`}
    ${version.count > 1 && html`<span class="versions">
      <${IconButton} icon="left" label=${t("previous")} disabled=${version.index === 1 || isBusy} onClick=${() => actions.walk(message, -1)} />
      <span aria-label=${t("version", version)}>${version.index}/${version.count}</span>
      <${IconButton} icon="right" label=${t("next")} disabled=${version.index === version.count || isBusy} onClick=${() => actions.walk(message, 1)} />
    </span>`}
    ${message.usage && html`<span class="figures">${figures(message)}</span>`}
  </footer>`;
}

function figures({ usage, timing }) {
  const known = [t("tokenCount", { prompt: number(usage.prompt), completion: number(usage.completion) })];
  if (timing.speed) known.push(t("speed", { speed: number(timing.speed) }));
  if (timing.first !== undefined) known.push(t("firstToken", { time: seconds(timing.first) }));
  return known.join(" · ");
}
