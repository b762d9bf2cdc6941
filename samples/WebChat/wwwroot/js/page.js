// The state of the page, and what changes it.
import { apiKey, watchStatus } from "./api.js";
import { readFiles } from "./attachments.js";
import { addAssistant, addUser, newConversation, path, textOf, walk } from "./conversation.js";
import { number, t } from "./i18n/index.js";
import { follow } from "./status.js";
import { openStore } from "./store.js";
import { exportJson, importJson } from "./transfer.js";
import { runTurn } from "./turn.js";
import { whenIdle } from "./ui.js";

const SaveEvery = 800; // ms, while an answer streams; with the wait for an idle moment at most a second
const NoticeTime = 10_000;

/** All that the page knows, and everything that changes it. `refresh` draws it anew; an answer that streams draws its own message only. */
export function createPage(refresh) {
  let store = null;
  let frame = 0;
  let editing = null;
  const running = new Map(); // conversation id -> { message, abort, saved, draw, hasBegun, frame, wait, place, decide }
  const watchers = new Set(); // draw what the server's state is
  const soon = () => { frame ||= requestAnimationFrame(() => { frame = 0; refresh(); }); };

  const page = {
    conversations: [], current: newConversation(), status: null, isOffline: false, model: "GptOss.Net", contextLimit: null,
    draft: "", files: [], query: "", focus: 0, question: null, notice: null, settingsOpen: false, drawer: false, spoken: "",
  };
  const set = values => { Object.assign(page, values); refresh(); };
  // A conversation that was deleted while it was answered stays deleted.
  const keep = conversation => page.conversations.includes(conversation) && store?.put(conversation);
  const save = () => {
    page.current.updated = Date.now();
    if (!page.conversations.includes(page.current)) page.conversations.push(page.current);
    keep(page.current);
  };

  async function start() {
    watch();
    store = await openStore({ onChange: reload, onFailure: (error, isFull) => page.tell(t(isFull ? "storageFull" : "storageOff", { reason: error.message }), { stays: true }) });
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

  // Once a second: the figures draw themselves; the whole page is drawn anew only when something else than they depends on it.
  async function watch() {
    for await (const status of watchStatus(new AbortController().signal)) {
      const before = `${page.status?.status} ${page.model} ${page.contextLimit}`;
      page.isOffline = status === null;
      page.status = status && follow(status, page.status);
      page.model = status?.model ?? page.model;
      page.contextLimit = status ? status.max_model_len ?? null : page.contextLimit;
      if (status) queue(status.requests?.waiting ?? 0);
      for (const draw of watchers) draw();
      if (before !== `${page.status?.status} ${page.model} ${page.contextLimit}`) soon();
    }
  }

  // Whoever came later stands behind: one's place is at most what it was, and at most how many wait.
  function queue(waiting) {
    for (const turn of running.values()) {
      if (turn.message.state !== "waiting") continue;
      turn.place = Math.min(turn.place ?? Infinity, waiting);
      turn.draw?.();
    }
  }

  /** Asks before a function runs, where the conversation is set so. */
  const allows = (turn, settings) => call => !settings.asks || new Promise(resolve => {
    turn.decide = isAllowed => {
      call.asks = turn.decide = undefined;
      resolve(isAllowed);
      turn.draw?.();
    };
    turn.abort.signal.addEventListener("abort", () => turn.decide?.(false), { once: true });
    call.asks = true;
    turn.draw?.();
  });

  async function answer(conversation, parent) {
    const message = addAssistant(conversation, parent);
    const turn = { message, abort: new AbortController(), saved: performance.now() };
    running.set(conversation.id, turn);
    set({ spoken: t("answerBegins") });
    save();
    await runTurn(conversation, message, {
      model: page.model, signal: turn.abort.signal,
      waits: wait => { turn.wait = wait; turn.draw?.(); },
      allows: allows(turn, conversation.settings),
      changed: () => {
        if (!turn.hasBegun) turn.draw?.(); // the first token waits for no frame
        else turn.frame ||= requestAnimationFrame(() => { turn.frame = 0; turn.draw?.(); });
        turn.hasBegun = true;
        if (performance.now() - turn.saved > SaveEvery) {
          turn.saved = performance.now();
          whenIdle(() => keep(conversation));
        }
      },
    });
    if (message.state === "length") message.limit = conversation.settings.maxTokens;
    running.delete(conversation.id);
    conversation.updated = Date.now();
    keep(conversation);
    set({ spoken: message.state === "done" ? textOf(message) : "" });
  }

  return Object.assign(page, {
    start: () => { start(); },
    runningIn: conversation => running.get(conversation.id),
    /** Calls `draw` whenever a running message has grown, at most once a frame, until the result is called. */
    onGrowth: (message, draw) => {
      const turn = [...running.values()].find(other => other.message === message);
      if (turn) turn.draw = draw;
      return () => { if (turn) turn.draw = null; };
    },
    /** Calls `draw` whenever the server told its state, until the result is called. */
    onStatus: draw => {
      watchers.add(draw);
      return () => watchers.delete(draw);
    },
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
    decide: isAllowed => running.get(page.current.id)?.decide?.(isAllowed),
    waitText: () => {
      const { wait, place } = running.get(page.current.id) ?? {};
      if (wait) return t("tryAgainIn", { reason: wait.reason ?? t("busy"), seconds: number(wait.seconds) });
      return place > 0 ? t("queued", { place: number(place) }) : t("waiting");
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
    attach: async list => {
      const read = await readFiles(list, page.tell);
      set({ files: [...page.files, ...read] });
    },
    drop: event => {
      const dropped = [...event.dataTransfer.files];
      if (event.target.closest(".sidebar")) page.importFile(dropped[0]);
      else page.attach(dropped);
    },
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
      page.tell(t("deleted", { title: conversation.title }), {
        undo: () => {
          page.conversations.push(conversation);
          store.put(conversation);
          page.tell(null);
        },
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
    tell: (text, { undo = null, stays = false } = {}) => {
      const notice = text ? { text, undo } : null;
      set({ notice });
      if (notice && !stays) setTimeout(() => { if (page.notice === notice) set({ notice: null }); }, NoticeTime);
    },
  });
}
