// What the server does: memory of each device, queue, speed, context; and what the page waits for.
import { html } from "../lib/preact.js";
import { bytes, number, percent, t } from "./i18n/index.js";

const Tight = 0.03; // of a device

export function Status({ status, context }) {
  if (!status?.requests) return html`<aside class="status" aria-label=${t("status")}><p class="muted">${t("noStatus")}</p></aside>`;
  const { requests, memory, tokens_per_second: speed, history = [] } = status;
  return html`<aside class="status" aria-label=${t("status")}>
    ${(memory ?? []).map(device => html`<${Memory} device=${device} />`)}
    <p class="queue">${t("running", { running: number(requests.running), waiting: number(requests.waiting) })}</p>
    <p class="speed"><${Spark} values=${history} /> ${t("speedNow", { speed: number(speed ?? 0) })}</p>
    ${context !== null && html`<p class="context">${t("contextUsed", { percent: percent(context) })}</p>`}
  </aside>`;
}

function Memory({ device }) {
  const { device: name, weight_bytes: weights, kv_bytes: cache, kv_used_bytes: used, workspace_bytes: workspace, free_bytes: free } = device;
  const total = device.total_bytes ?? weights + cache + workspace + free;
  const other = Math.max(0, total - free - weights - cache - workspace);
  const parts = [["weights", weights], ["cacheUsed", used], ["cacheFree", cache - used], ["workspace", workspace], ["other", other], ["free", free]];
  const described = parts.filter(([, size]) => size > 0).map(([key, size]) => `${t(key)} ${bytes(size)}`).join(", ");
  return html`<section class=${`memory ${free < total * Tight ? "tight" : ""}`}>
    <h2>${name} <span class="muted">${bytes(total - free)} / ${bytes(total)}</span></h2>
    <div class="bar" role="img" aria-label=${described}>
      ${parts.map(([key, size]) => size > 0 && html`<span class=${key} style=${{ flexGrow: size }} title=${`${t(key)}: ${bytes(size)}`}></span>`)}
    </div>
    <ul class="legend">${parts.filter(([, size]) => size > 0).map(([key, size]) => html`<li><span class=${`dot ${key}`}></span>${t(key)} <span>${bytes(size)}</span></li>`)}</ul>
  </section>`;
}

function Spark({ values }) {
  const most = Math.max(1, ...values);
  const points = values.map((value, i) => `${i * 2},${20 - value / most * 18}`).join(" ");
  return html`<svg class="spark" viewBox="0 0 120 21" aria-hidden="true"><polyline points=${points} fill="none" stroke="currentColor" stroke-width="1.5" /></svg>`;
}

/** A plain sentence about what is being waited for; nothing while the model is ready. */
export function Banner({ status, isKnown, onKey }) {
  if (status === null) return isKnown ? html`<p class="banner danger" role="status">${t("offline")}</p>` : null;
  const { read_bytes: done, total_bytes: total } = status.progress ?? {};
  switch (status.status) {
    case "key": return html`<form class="banner" onSubmit=${event => { event.preventDefault(); onKey(new FormData(event.target).get("key")); }}>
      <label>${t("keyNeeded")} <input type="password" name="key" autocomplete="off" aria-label=${t("key")} /></label> <button class="primary">${t("ok")}</button></form>`;
    case "downloading": return html`<${Progress} done=${done} total=${total} text="download" />`;
    case "loading": return html`<${Progress} done=${done} total=${total} text="loading" />`;
    case "failed": return html`<p class="banner danger" role="alert">${t("loadFailed", { reason: status.error ?? "?" })} ${t("loadFailedLog")}</p>`;
    case "draining": return html`<p class="banner" role="status">${t("draining")}</p>`;
    default: return null;
  }
}

const Progress = ({ done, total, text }) => html`<div class="banner" role="status">
  <label for="progress">${total ? t(text, { done: bytes(done), total: bytes(total) }) : t("loadingStart")}</label>
  <progress id="progress" value=${total ? done / total : undefined} max="1"></progress></div>`;
