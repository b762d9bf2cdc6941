// The list of conversations: search, rename, delete, export and import.
import { html, useRef, useState } from "../lib/preact.js";
import { textOf } from "./conversation.js";
import { t } from "./i18n/index.js";
import { Icon, IconButton } from "./ui.js";

export function Sidebar({ conversations, current, query, setQuery, onOpen, onNew, onRename, onDelete, onExport, onImport, searchRef }) {
  const [renaming, setRenaming] = useState(null);
  const picker = useRef();
  const found = search(conversations, query);
  const rename = (conversation, title) => {
    setRenaming(null);
    if (title.trim()) onRename(conversation, title.trim());
  };

  const renameKey = (event, conversation) => {
    if (event.isComposing) return;
    if (event.key === "Enter") rename(conversation, event.target.value);
    if (event.key !== "Escape") return;
    event.stopPropagation();
    setRenaming(null);
  };

  return html`<nav class="sidebar" aria-label=${t("conversations")}>
    <button type="button" class="wide" onClick=${onNew}><${Icon} name="plus" />${t("newChat")}</button>
    <div class="search" role="search"><${Icon} name="search" />
      <input ref=${searchRef} type="search" value=${query} placeholder=${t("search")} aria-label=${t("searchChats")} onInput=${event => setQuery(event.target.value)} /></div>
    <div class="list">
      ${query && found.length === 0 && html`<p class="muted">${t("noMatches")}</p>`}
      ${groups(found).map(([name, items]) => html`<section><h2>${t(name)}</h2><ul>
        ${items.map(conversation => html`<li key=${conversation.id} class=${conversation.id === current ? "current" : ""}>
          ${renaming === conversation.id
            ? html`<input class="rename" aria-label=${t("rename")} value=${conversation.title} ref=${element => element?.focus()}
                onKeyDown=${event => renameKey(event, conversation)}
                onBlur=${event => rename(conversation, event.target.value)} />`
            : html`<button type="button" class="open" aria-current=${conversation.id === current ? "page" : undefined} onClick=${() => onOpen(conversation.id)}>${conversation.title || t("newChat")}</button>
              <span class="actions"><${IconButton} icon="edit" label=${`${t("rename")}: ${conversation.title}`} onClick=${() => setRenaming(conversation.id)} />
              <${IconButton} icon="trash" label=${`${t("delete")}: ${conversation.title}`} onClick=${() => onDelete(conversation)} /></span>`}
        </li>`)}
      </ul></section>`)}
    </div>
    <div class="transfer">
      <input ref=${picker} type="file" accept="application/json,.json" hidden onChange=${event => { onImport(event.target.files[0]); event.target.value = ""; }} />
      <${IconButton} icon="save" label=${t("exportAll")} onClick=${onExport} />
      <${IconButton} icon="open" label=${t("importFile")} onClick=${() => picker.current.click()} />
    </div>
  </nav>`;
}

function search(conversations, query) {
  const sorted = [...conversations].sort((a, b) => b.updated - a.updated);
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return sorted;
  return sorted.filter(conversation => {
    const text = [conversation.title, ...Object.values(conversation.messages).map(textOf)].join("\n").toLocaleLowerCase();
    return words.every(word => text.includes(word));
  });
}

function groups(conversations) {
  const midnight = new Date().setHours(0, 0, 0, 0);
  const named = { today: [], yesterday: [], earlier: [] };
  for (const conversation of conversations) {
    const name = conversation.updated >= midnight ? "today" : conversation.updated >= midnight - 86_400_000 ? "yesterday" : "earlier";
    named[name].push(conversation);
  }

  return Object.entries(named).filter(([, items]) => items.length > 0);
}
