// The message box: text, attached files, voice, send and stop.
import { html, useEffect, useRef, useState } from "../lib/preact.js";
import { t } from "./i18n/index.js";
import { canListen, listen, stopReading } from "./speech.js";
import { Icon, IconButton } from "./ui.js";

const ProcessKey = 229; // Safari's code for a key that an input method takes

export function Composer({ draft, setDraft, files, setFiles, isStreaming, isReady, onAttach, onSend, onStop, onEditLast, tell, ask, focus }) {
  const area = useRef();
  const picker = useRef();
  const [stopListening, setStopListening] = useState(null);
  const canSend = isReady && !isStreaming && (draft.trim() !== "" || files.length > 0);
  useEffect(() => { area.current.focus(); }, [focus]);
  useEffect(() => grow(area.current), [draft]);

  const send = () => {
    if (!canSend) return;
    stopListening?.();
    onSend();
    area.current.focus();
  };
  const key = event => {
    if (event.isComposing || event.keyCode === ProcessKey) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && draft === "") {
      if (onEditLast()) event.preventDefault();
    }
  };
  const voice = async () => {
    if (stopListening) return stopListening();
    if (!localStorage.getItem("voice-agreed") && !await ask(t("voiceNote"), t("voice"))) return;
    localStorage.setItem("voice-agreed", "yes");
    const before = draft && !draft.endsWith(" ") ? `${draft} ` : draft;
    const stop = listen({
      onText: text => setDraft(before + text),
      onEnd: () => setStopListening(null),
      onError: reason => tell(t("voiceFailed", { reason })),
    });
    setStopListening(() => stop);
  };

  return html`<form class="composer" onSubmit=${event => { event.preventDefault(); send(); }}>
    ${files.length > 0 && html`<ul class="files">${files.map(file => html`<li class="file"><${Icon} name="attach" />${file.name}
      <${IconButton} icon="close" label=${t("removeFile", { name: file.name })} onClick=${() => setFiles(files.filter(other => other !== file))} /></li>`)}</ul>`}
    <textarea id="message" ref=${area} rows="1" value=${draft} placeholder=${t("message")} aria-label=${t("message")} dir="auto"
      onInput=${event => { stopReading(); setDraft(event.target.value); }} onKeyDown=${key}></textarea>
    <div class="buttons">
      <input ref=${picker} type="file" multiple hidden onChange=${event => { onAttach([...event.target.files]); event.target.value = ""; }} />
      <${IconButton} icon="attach" label=${t("attach")} onClick=${() => picker.current.click()} />
      ${canListen && html`<${IconButton} icon="mic" label=${t(stopListening ? "stopVoice" : "voice")} aria-pressed=${Boolean(stopListening)} onClick=${voice} />`}
      <span class="space"></span>
      ${isStreaming
        ? html`<${IconButton} icon="stop" label=${t("stop")} class="icon primary" onClick=${onStop} />`
        : html`<button class="icon primary" title=${t("send")} aria-label=${t("send")} disabled=${!canSend}><${Icon} name="send" /></button>`}
    </div>
  </form>`;
}

function grow(area) {
  area.style.height = "auto";
  area.style.height = `${Math.min(area.scrollHeight, window.innerHeight * 0.4)}px`;
}
