// Questions and settings, as modal dialogs: the browser keeps the focus inside and gives it back afterwards.
import { html, useEffect, useRef } from "../lib/preact.js";
import { language, languages, setLanguage, t } from "./i18n/index.js";
import { IconButton } from "./ui.js";

function Modal({ title, onClose, children }) {
  const element = useRef();
  useEffect(() => {
    const opener = document.activeElement;
    element.current.showModal();
    return () => opener?.focus?.();
  }, []);
  return html`<dialog ref=${element} aria-label=${title} onClose=${onClose} onCancel=${onClose}>
    <header><h2>${title}</h2><${IconButton} icon="close" label=${t("close")} onClick=${onClose} /></header>
    ${children}
  </dialog>`;
}

export function Question({ title, text, accept, onAnswer }) {
  return html`<${Modal} title=${title} onClose=${() => onAnswer(false)}>
    ${text && html`<p>${text}</p>`}
    <div class="buttons"><button type="button" onClick=${() => onAnswer(false)}>${t("cancel")}</button>
      <button type="button" class="primary" onClick=${() => onAnswer(true)}>${accept}</button></div>
  </${Modal}>`;
}

export function Settings({ settings, onChange, onLanguage, onClose }) {
  const change = (name, value) => onChange({ ...settings, [name]: value });
  const numberOf = event => event.target.value === "" ? null : Math.min(Math.max(event.target.valueAsNumber, event.target.min), event.target.max);
  return html`<${Modal} title=${t("settings")} onClose=${onClose}>
    <div class="fields">
      <label>${t("systemPrompt")}<textarea rows="4" value=${settings.system} placeholder=${t("systemPromptHint")} onInput=${event => change("system", event.target.value)}></textarea></label>
      <${Number} label=${t("temperature")} value=${settings.temperature} min="0" max="2" step="0.1" onChange=${event => change("temperature", numberOf(event))} />
      <${Number} label=${t("topP")} value=${settings.topP} min="0" max="1" step="0.05" onChange=${event => change("topP", numberOf(event))} />
      <${Number} label=${t("maxTokens")} value=${settings.maxTokens} min="1" max="1000000" step="1" onChange=${event => change("maxTokens", numberOf(event))} />
      <label class="check"><input type="checkbox" checked=${settings.tools} disabled=${settings.json} onChange=${event => change("tools", event.target.checked)} />${t("tools")}</label>
      <label class="check"><input type="checkbox" checked=${settings.asks} disabled=${settings.json || !settings.tools} onChange=${event => change("asks", event.target.checked)} />${t("asks")}</label>
      <label class="check"><input type="checkbox" checked=${settings.json} onChange=${event => change("json", event.target.checked)} />${t("jsonMode")}</label>
      <${Choice} label=${t("theme")} value=${theme()} choices=${["system", "light", "dark"].map(name => [name, t(name)])} onChange=${setTheme} />
      <${Choice} label=${t("language")} value=${language()} choices=${Object.entries(languages)} onChange=${tag => { setLanguage(tag); onLanguage(); }} />
    </div>
  </${Modal}>`;
}

const Number = ({ label, value, ...rest }) =>
  html`<label>${label}<input type="number" value=${value ?? ""} placeholder=${t("defaultValue")} ...${rest} /></label>`;

export const Choice = ({ label, value, choices, onChange, isHidden }) => html`<label class=${isHidden ? "bare" : ""}><span class=${isHidden ? "hidden" : ""}>${label}</span>
  <select value=${value} onChange=${event => onChange(event.target.value)}>${choices.map(([key, name]) => html`<option value=${key} selected=${key === value}>${name}</option>`)}</select></label>`;

const theme = () => document.documentElement.dataset.theme ?? "system";

function setTheme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  try { localStorage.setItem("theme", name); } catch { /* this visit only */ }
}
