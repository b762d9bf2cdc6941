// Small pieces that the components share.
import { html } from "../lib/preact.js";
import { shapes } from "./icons.js";

/** Runs what may wait between two frames; within 200 ms. */
export const whenIdle = run => "requestIdleCallback" in window ? requestIdleCallback(run, { timeout: 200 }) : setTimeout(run);

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" fill=${name === "stop" ? "currentColor" : "none"} stroke="currentColor"
  stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d=${shapes[name]} /></svg>`;

export const IconButton = ({ icon, label, ...rest }) =>
  html`<button type="button" class="icon" title=${label} aria-label=${label} ...${rest}><${Icon} name=${icon} /></button>`;
