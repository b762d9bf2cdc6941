// What the page shows. Its state, and what a click does, are in page.js.
import { html, render, useEffect, useLayoutEffect, useReducer, useRef, useState } from "../lib/preact.js";
import { Composer } from "./composer.js";
import { path, version } from "./conversation.js";
import { Choice, Question, Settings } from "./dialogs.js";
import { language, t } from "./i18n/index.js";
import { Message } from "./message.js";
import { createPage } from "./page.js";
import { Sidebar } from "./sidebar.js";
import { Banner, Status } from "./status.js";
import { Icon, IconButton } from "./ui.js";

function App() {
  const [, refresh] = useReducer(count => count + 1, 0);
  const page = useRef(null);
  const search = useRef();
  const actions = page.current ??= createPage(refresh);
  const { conversations, current, status, question, notice, settingsOpen, drawer, draft, files, query, focus, contextLimit } = actions;
  const shown = path(current);
  const running = actions.runningIn(current);
  const isReady = status?.status === "ready";
  const last = shown.at(-1);

  useEffect(() => actions.start(), []);
  useKeys(actions, search);

  return html`
    <a class="skip" href="#message">${t("skip")}</a>
    <div class=${`page ${drawer ? "drawer" : ""}`} onDragOver=${takesFiles} onDrop=${event => takesFiles(event) && actions.drop(event)}>
      <${Sidebar} ...${{ conversations, current: current.id, query }} searchRef=${search} setQuery=${actions.setQuery} onOpen=${actions.open} onNew=${actions.newChat}
        onRename=${actions.rename} onDelete=${actions.remove} onExport=${actions.exportAll} onImport=${actions.importFile} />
      ${drawer && html`<button type="button" class="shade" aria-label=${t("close")} onClick=${actions.toggleDrawer}></button>`}
      <main aria-label=${t("conversation")}>
        <header class="top">
          <${IconButton} icon="menu" label=${t("menu")} class="icon menu" aria-expanded=${drawer} onClick=${actions.toggleDrawer} />
          <h1 title=${actions.model}>${shortName(actions.model)}</h1>
          <${Choice} isHidden label=${t("effort")} value=${current.settings.effort}
            choices=${["low", "medium", "high"].map(name => [name, t("effortOf", { effort: t(name) })])}
            onChange=${effort => actions.setSettings({ ...current.settings, effort })} />
          <span class="space"></span>
          <${IconButton} icon="settings" label=${t("settings")} onClick=${actions.openSettings} />
        </header>
        <${Banner} page=${actions} />
        <${Conversation} key=${current.id} ...${{ shown, current, running, actions }} />
        <div class="foot">
          ${notice && html`<p class="notice" role="status">${notice.text} ${notice.undo && html`<button type="button" onClick=${notice.undo}>${t("undo")}</button>`}
            <${IconButton} icon="close" label=${t("close")} onClick=${() => actions.tell(null)} /></p>`}
          <${Composer} ...${{ draft, files, focus, isReady }} setDraft=${actions.setDraft} setFiles=${actions.setFiles} isStreaming=${Boolean(running)}
            onAttach=${actions.attach} onSend=${actions.send} onStop=${actions.stop} onEditLast=${actions.editLast} tell=${actions.tell} ask=${actions.ask} />
        </div>
      </main>
      <${Status} page=${actions} context=${contextLimit && last?.usage ? last.usage.context / contextLimit : null} />
    </div>
    <div class="live" role="status" aria-live="polite">${actions.spoken}</div>
    ${question && html`<${Question} ...${question} />`}
    ${settingsOpen && html`<${Settings} settings=${current.settings} onChange=${actions.setSettings} onLanguage=${refresh} onClose=${actions.closeSettings} />`}`;
}

// Files may be dropped anywhere: without this, the browser would leave the page and show them.
function takesFiles(event) {
  if (!event.dataTransfer.types.includes("Files")) return false;
  event.preventDefault();
  return true;
}

function Conversation({ shown, current, running, actions }) {
  const list = useRef();
  const sentinel = useRef();
  const follows = useRef(true);
  const [isAway, setAway] = useState(false);
  useLayoutEffect(() => {
    const seen = new IntersectionObserver(([entry]) => {
      follows.current = entry.isIntersecting;
      setAway(!entry.isIntersecting);
    }, { root: list.current, rootMargin: "0px 0px 80px 0px" });
    const grown = new ResizeObserver(() => { if (follows.current) toEnd(list.current); });
    seen.observe(sentinel.current);
    grown.observe(list.current.firstElementChild);
    toEnd(list.current);
    return () => { seen.disconnect(); grown.disconnect(); };
  }, []);
  useLayoutEffect(() => toEnd(list.current), [shown.at(-1)?.id]);
  return html`<div class="scroll" ref=${list} tabindex="0" role="log" aria-live="off" aria-label=${t("conversation")}>
    <div class="column">
      ${shown.length === 0 && html`<${Empty} actions=${actions} />`}
      ${shown.map(message => drawn(message, version(current, message), Boolean(running), actions))}
      <div class="sentinel" ref=${sentinel}></div>
    </div>
    ${isAway && html`<button type="button" class="to-end" aria-label=${t("toEnd")} title=${t("toEnd")} onClick=${() => toEnd(list.current)}><${Icon} name="down" /></button>`}
  </div>`;
}

// A message that is as it was is not drawn again when the page is: typing stays quick in long conversations.
const known = new WeakMap();

function drawn(message, version, isBusy, actions) {
  const facts = [message.state, version.index, version.count, isBusy, actions.isEditing(message), language()].join();
  if (known.get(message)?.facts !== facts) {
    known.set(message, { facts, node: html`<${Message} key=${message.id} ...${{ message, version, isBusy, actions }} />` });
  }

  return known.get(message).node;
}

const toEnd = list => { list.scrollTop = list.scrollHeight; };

// Of the id of a repository, the part that differs.
const shortName = model => model.split("/").at(-1);

// The demonstration model knows some hundred sentences, in English.
const DemoModel = "gpt-oss-nano";
const demoExamples = ["What is the capital of France?", "What is 17 + 25?", "Who are you?"];

function Empty({ actions }) {
  const isDemo = actions.model === DemoModel;
  const examples = isDemo ? demoExamples : [t("example1"), t("example2"), t("example3")];
  return html`<section class="empty"><h2>${t("emptyTitle", { model: shortName(actions.model) })}</h2>
    <p class="muted">${t("emptyHint")} ${isDemo && t("demoHint")}</p>
    <ul>${examples.map(text => html`<li>
      <button type="button" onClick=${() => actions.sendText(text)}>${text}</button></li>`)}</ul></section>`;
}

function useKeys(page, search) {
  useEffect(() => {
    const press = event => {
      const control = event.ctrlKey || event.metaKey;
      if (event.key === "Escape" && !event.isComposing && !page.question && !page.settingsOpen) page.drawer ? page.toggleDrawer() : page.stop();
      else if (control && event.key.toLowerCase() === "k") { page.showDrawer(); requestAnimationFrame(() => search.current.focus()); }
      else if (control && event.shiftKey && event.key.toLowerCase() === "o") page.newChat();
      else if (control && event.shiftKey && event.code === "Semicolon") [...document.querySelectorAll("[data-copy=code]")].at(-1)?.click();
      else return;
      if (event.key !== "Escape") event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

render(html`<${App} />`, document.getElementById("app"));
