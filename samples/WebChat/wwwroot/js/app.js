// The page: its state, and what a click does. Components only show.
import { html, render, useEffect, useLayoutEffect, useReducer, useRef, useState } from "../lib/preact.js";
import { apiKey, watchStatus } from "./api.js";
import { Composer } from "./composer.js";
import { addAssistant, addUser, newConversation, path, textOf, version, walk } from "./conversation.js";
import { Choice, Question, Settings } from "./dialogs.js";
import { number, t } from "./i18n/index.js";
import { Message } from "./message.js";
import { Sidebar } from "./sidebar.js";
import { Banner, Status } from "./status.js";
import { openStore } from "./store.js";
import { exportJson, importJson } from "./transfer.js";
import { runTurn } from "./turn.js";
import { Icon, IconButton } from "./ui.js";

const SaveEvery = 1_000; // ms, while an answer streams
const UndoTime = 10_000;
const HistoryLength = 60;

function App() {
  const [, refresh] = useReducer(count => count + 1, 0);
  const page = useRef(null);
  page.current ??= createPage(refresh);
  const { conversations, current, status, question, notice, settingsOpen, drawer } = page.current;
  const { draft, files, query, focus, isOffline } = page.current;
  const actions = page.current;
  const search = useRef();
  const shown = path(current);
  const running = actions.runningIn(current);
  const isReady = status?.status === "ready";
  const last = shown.at(-1);
  const limit = page.current.contextLimit;

  useEffect(() => page.current.start(), []);
  useKeys(page.current, search);

  return html`
    <a class="skip" href="#message">${t("skip")}</a>
    <div class=${`page ${drawer ? "drawer" : ""}`}>
      <${Sidebar} ...${{ conversations, current: current.id, query }} searchRef=${search} setQuery=${actions.setQuery} onOpen=${actions.open} onNew=${actions.newChat}
        onRename=${actions.rename} onDelete=${actions.remove} onExport=${actions.exportAll} onImport=${actions.importFile} />
      ${drawer && html`<button type="button" class="shade" aria-label=${t("close")} onClick=${actions.toggleDrawer}></button>`}
      <main aria-label=${t("conversation")}>
        <header class="top">
          <${IconButton} icon="menu" label=${t("menu")} class="icon menu" aria-expanded=${drawer} onClick=${actions.toggleDrawer} />
          <h1>${page.current.model}</h1>
          <${Choice} isHidden label=${t("effort")} value=${current.settings.effort} choices=${["low", "medium", "high"].map(name => [name, t(name)])}
            onChange=${effort => actions.setSettings({ ...current.settings, effort })} />
          <span class="space"></span>
          <${IconButton} icon="settings" label=${t("settings")} onClick=${actions.openSettings} />
        </header>
        <${Banner} status=${status} isKnown=${isOffline} onKey=${actions.setKey} />
        <${Conversation} key=${current.id} ...${{ shown, current, running, actions }} />
        <${Composer} ...${{ draft, files, focus, isReady }} setDraft=${actions.setDraft} setFiles=${actions.setFiles} isStreaming=${Boolean(running)}
          onSend=${actions.send} onStop=${actions.stop} onEditLast=${actions.editLast} tell=${actions.tell} ask=${actions.ask} />
      </main>
      <${Status} status=${status} context=${limit && last?.usage ? last.usage.context / limit : null} />
    </div>
    <div class="live" role="status" aria-live="polite">${page.current.spoken}</div>
    ${notice && html`<p class="notice" role="status">${notice.text} ${notice.undo && html`<button type="button" onClick=${notice.undo}>${t("undo")}</button>`}
      <${IconButton} icon="close" label=${t("close")} onClick=${() => actions.tell(null)} /></p>`}
    ${question && html`<${Question} ...${question} />`}
    ${settingsOpen && html`<${Settings} settings=${current.settings} onChange=${actions.setSettings} onLanguage=${refresh} onClose=${actions.closeSettings} />`}`;
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
      ${shown.map(message => html`<${Message} key=${message.id} message=${message} version=${version(current, message)} isBusy=${Boolean(running)} actions=${actions} />`)}
      <div class="sentinel" ref=${sentinel}></div>
    </div>
    ${isAway && html`<button type="button" class="to-end" aria-label=${t("toEnd")} title=${t("toEnd")} onClick=${() => toEnd(list.current)}><${Icon} name="down" /></button>`}
  </div>`;
}

const toEnd = list => { list.scrollTop = list.scrollHeight; };

const Empty = ({ actions }) => html`<section class="empty"><h2>${t("emptyTitle", { model: actions.model })}</h2><p class="muted">${t("emptyHint")}</p>
  <ul>${["example1", "example2", "example3"].map(key => html`<li><button type="button" onClick=${() => actions.sendText(t(key))}>${t(key)}</button></li>`)}</ul></section>`;

function useKeys(page, search) {
  useEffect(() => {
    const press = event => {
      const control = event.ctrlKey || event.metaKey;
      if (event.key === "Escape" && !event.isComposing && !page.question && !page.settingsOpen) page.stop();
      else if (control && event.key.toLowerCase() === "k") { page.showDrawer(); search.current.focus(); }
      else if (control && event.shiftKey && event.key.toLowerCase() === "o") page.newChat();
      else if (control && event.shiftKey && event.code === "Semicolon") [...document.querySelectorAll("[data-copy=code]")].at(-1)?.click();
      else return;
      if (event.key !== "Escape") event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

/** All that the page knows, and everything that changes it. `refresh` draws it anew, at most once a frame while an answer streams. */
function createPage(refresh) {
  let store = null;
  let frame = 0;
  let editing = null;
  let waits = 0;
  const running = new Map(); // conversation id -> { message, abort, saved }
  const soon = () => { frame ||= requestAnimationFrame(() => { frame = 0; refresh(); }); };

  const page = {
    conversations: [], current: newConversation(), status: null, isOffline: false, model: "GptOss.Net", contextLimit: null,
    draft: "", files: [], query: "", focus: 0, question: null, notice: null, settingsOpen: false, drawer: false, spoken: "",
  };
  const set = values => { Object.assign(page, values); refresh(); };
  const save = () => {
    page.current.updated = Date.now();
    if (!page.conversations.includes(page.current)) page.conversations.push(page.current);
    return store?.put(page.current);
  };

  async function start() {
    watch();
    store = await openStore({ onChange: reload, onFailure: error => page.tell(t("storageOff", { reason: error.message })) });
    page.conversations = (await store.all()).map(ended);
    refresh();
  }

  // A tab that was closed while an answer streamed left it unfinished.
  const ended = conversation => {
    for (const message of Object.values(conversation.messages)) {
      if (message.state === "waiting" || message.state === "streaming") message.state = "interrupted";
    }

    return conversation;
  };

  async function reload(id) {
    if (running.has(id)) return;
    const changed = await store.get(id);
    page.conversations = page.conversations.filter(other => other.id !== id).concat(changed ? [changed] : []);
    if (page.current.id === id) page.current = changed ?? newConversation();
    refresh();
  }

  async function watch() {
    const history = [];
    for await (const status of watchStatus(new AbortController().signal)) {
      page.isOffline = status === null;
      if (status) {
        history.push(status.tokens_per_second ?? 0);
        if (history.length > HistoryLength) history.shift();
        page.status = { ...status, history };
        page.model = status.model ?? page.model;
        page.contextLimit = status.max_model_len ?? null;
      } else {
        page.status = null;
      }

      soon();
    }
  }

  async function answer(conversation, parent) {
    const message = addAssistant(conversation, parent);
    const turn = { message, abort: new AbortController(), saved: performance.now() };
    running.set(conversation.id, turn);
    set({ spoken: t("answerBegins") });
    save();
    await runTurn(conversation, message, {
      model: page.model, signal: turn.abort.signal,
      waits: seconds => { waits = seconds; soon(); },
      changed: () => {
        soon();
        if (performance.now() - turn.saved > SaveEvery) {
          turn.saved = performance.now();
          store?.put(conversation);
        }
      },
    });
    if (message.state === "length") message.limit = conversation.settings.maxTokens;
    running.delete(conversation.id);
    conversation.updated = Date.now();
    store?.put(conversation);
    set({ spoken: message.state === "done" ? textOf(message) : "" });
  }

  return Object.assign(page, {
    start: () => { start(); },
    runningIn: conversation => running.get(conversation.id),
    isEditing: message => editing === message.id,
    beginEdit: message => { editing = message.id; refresh(); },
    cancelEdit: () => { editing = null; set({ focus: page.focus + 1 }); },
    edit: (message, text) => {
      editing = null;
      answer(page.current, addUser(page.current, text, message.files, message.parent).id);
    },
    editLast: () => {
      const last = path(page.current).findLast(message => message.role === "user");
      if (!last || running.has(page.current.id)) return false;
      page.beginEdit(last);
      return true;
    },
    regenerate: message => answer(page.current, message.parent),
    goOn: message => { page.sendText(t("goOn"), [], message.id); },
    walk: (message, step) => { walk(page.current, message, step); save(); refresh(); },
    waitText: () => {
      if (waits) return t("busy", { seconds: number(waits) });
      const queue = page.status?.requests?.waiting ?? 0;
      return queue > 0 ? t("queued", { count: number(queue) }) : t("waiting");
    },
    send: () => {
      const { draft, files } = page;
      set({ draft: "", files: [] });
      page.sendText(draft, files);
    },
    sendText: (text, files = [], parent = page.current.leaf) => {
      if (running.has(page.current.id) || page.status?.status !== "ready") return set({ draft: text });
      answer(page.current, addUser(page.current, text, files, parent).id);
    },
    stop: () => running.get(page.current.id)?.abort.abort(),
    setDraft: draft => set({ draft }),
    setFiles: files => set({ files }),
    setQuery: query => set({ query }),
    setKey: key => { apiKey.set(key); refresh(); },
    setSettings: settings => { page.current.settings = settings; if (page.current.leaf) save(); refresh(); },
    openSettings: () => set({ settingsOpen: true }),
    closeSettings: () => set({ settingsOpen: false }),
    toggleDrawer: () => set({ drawer: !page.drawer }),
    showDrawer: () => set({ drawer: true }),
    newChat: () => set({ current: newConversation(page.current.settings), drawer: false, focus: page.focus + 1 }),
    open: id => set({ current: page.conversations.find(conversation => conversation.id === id), drawer: false, focus: page.focus + 1 }),
    rename: (conversation, title) => { conversation.title = title; store.put(conversation); refresh(); },
    remove: async conversation => {
      if (!await page.ask(t("confirmDelete", { title: conversation.title }), t("delete"))) return;
      running.get(conversation.id)?.abort.abort();
      page.conversations = page.conversations.filter(other => other !== conversation);
      store.remove(conversation.id);
      if (page.current === conversation) page.newChat();
      page.tell(t("deleted", { title: conversation.title }), () => {
        page.conversations.push(conversation);
        store.put(conversation);
        page.tell(null);
      });
    },
    exportAll: () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([exportJson(page.conversations)], { type: "application/json" }));
      link.download = `chats-${new Date().toISOString().slice(0, 10)}.json`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
    },
    importFile: async file => {
      try {
        const added = importJson(await file.text());
        if (!await page.ask(t("importTitle", { count: number(added.length) }), t("import"), t("importText"))) return;
        page.conversations.push(...added);
        for (const conversation of added) await store.put(conversation);
        page.tell(t("imported", { count: number(added.length) }));
      } catch (error) {
        page.tell(t("importFailed", { reason: error.message }));
      }
    },
    ask: (title, accept, text = "") => new Promise(resolve => set({
      question: { title, text, accept, onAnswer: answer => { set({ question: null }); resolve(answer); } },
    })),
    tell: (text, undo = null) => {
      const notice = text ? { text, undo } : null;
      set({ notice });
      if (notice) setTimeout(() => { if (page.notice === notice) set({ notice: null }); }, UndoTime);
    },
  });
}

render(html`<${App} />`, document.getElementById("app"));
