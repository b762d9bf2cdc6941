// What the server does: memory of each device, queue, speed, context; and what the page waits for.
import { html, useLayoutEffect, useReducer } from "../lib/preact.js";
import { bytes, duration, number, percent, t } from "./i18n/index.js";

const Tight = 0.03; // of a device
const HistoryLength = 60; // seconds of speed
const PaceSamples = 10; // seconds of loading

function useStatus(page) {
  const [, draw] = useReducer(count => count + 1, 0);
  useLayoutEffect(() => page.onStatus(draw), []);
  return page.status;
}

export function Status({ page, context }) {
  const status = useStatus(page);
  if (!status?.requests) return html`<aside class="status" aria-label=${t("status")}><p class="muted">${t("noStatus")}</p></aside>`;
  const { requests, memory, tokens_per_second: speed, history = [] } = status;
  return html`<aside class="status" aria-label=${t("status")}>
    ${(memory ?? []).map(device => html`<${Memory} device=${device} />`)}
    <p class="queue">${t("running", { running: number(requests.running), waiting: number(requests.waiting) })}</p>
    <p class="speed">${t("speedNow", { speed: number(speed ?? 0) })} <${Spark} values=${history} /></p>
    ${context !== null && html`<p class="context">${t("contextUsed", { percent: percent(context) })}</p>`}
  </aside>`;
}

function Memory({ device }) {
  const { device: name, weight_bytes: weights, kv_bytes: cache, kv_used_bytes: used, workspace_bytes: workspace, free_bytes: free } = device;
  const total = device.total_bytes || weights + cache + workspace + free;
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
  return html`<svg class="spark" viewBox="0 0 120 21" preserveAspectRatio="none" aria-hidden="true"><polyline points=${points} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" /></svg>`;
}

/** A plain sentence about what is being waited for; nothing while the model is ready. */
export function Banner({ page }) {
  const status = useStatus(page);
  if (status === null) return page.isOffline ? html`<p class="banner danger" role="status">${t("offline")}</p>` : null;
  switch (status.status) {
    case "key": return html`<${Key} isRefused=${status.isRefused} onKey=${page.setKey} />`;
    case "loading": return html`<${Progress} ...${status.progress} pace=${status.pace} />`;
    case "failed": return html`<p class="banner danger" role="alert">${t("loadFailed", { reason: status.error ?? "?" })} ${t("loadFailedLog")}</p>`;
    case "draining": return html`<p class="banner" role="status">${t("draining")}</p>`;
    default: return null;
  }
}

function Key({ isRefused, onKey }) {
  const submit = event => {
    event.preventDefault();
    onKey(new FormData(event.target).get("key"));
  };
  return html`<form class="banner" onSubmit=${submit}>
    <label>${t(isRefused ? "keyRefused" : "keyNeeded")}
      <input type="password" name="key" autocomplete="off" aria-label=${t("key")} /></label>
    <button class="primary">${t("ok")}</button></form>`;
}

// While kernels are compiled, kernels are counted instead of bytes.
function Progress({ stage, read_bytes: done, total_bytes: total, finished_files: files, total_files: allFiles, pace }) {
  const size = stage === "compiling" ? number : bytes;
  const text = total ? t(stage, { done: size(done), total: size(total), files: number(files ?? 0), allFiles: number(allFiles ?? 0) }) : t("loadingStart");
  const rate = total && pace > 0 && stage !== "compiling" ? ` · ${t("pace", { speed: bytes(pace), time: duration((total - done) / pace) })}` : "";
  return html`<div class="banner" role="status"><label for="progress">${text}${rate}</label>
    <progress id="progress" value=${total ? done / total : undefined} max="1"></progress></div>`;
}

/** Adds to a new status what only its predecessors tell: the speeds of the last minute, and how fast loading goes on. */
export function follow(status, before, now = performance.now()) {
  const history = [...before?.history ?? [], status.tokens_per_second ?? 0].slice(-HistoryLength);
  const progress = status.progress && { at: now, stage: status.progress.stage, bytes: status.progress.read_bytes };
  const samples = progress ? [...(before?.samples ?? []).filter(sample => sample.stage === progress.stage), progress].slice(-PaceSamples) : [];
  const [first, last] = [samples[0], samples.at(-1)];
  const pace = samples.length > 1 ? (last.bytes - first.bytes) / (last.at - first.at) * 1_000 : 0; // bytes a second
  return { ...status, history, samples, pace };
}
