import en from "./en.js";
import zh from "./zh-CN.js";

export const languages = { en: "English", "zh-CN": "简体中文" };
const texts = { en, "zh-CN": zh };

let current = choose();

function choose() {
  const kept = read();
  if (kept in texts) return kept;
  return (navigator.languages ?? [navigator.language]).some(tag => /^zh\b/i.test(tag)) &&
    !/^en\b/i.test(navigator.languages?.[0] ?? "") ? "zh-CN" : "en";
}

function read() {
  try { return localStorage.getItem("language"); } catch { return null; }
}

export const language = () => current;

export function setLanguage(tag) {
  current = tag in texts ? tag : "en";
  document.documentElement.lang = current;
  try { localStorage.setItem("language", current); } catch { /* this visit only */ }
}

/** The text of a key, with {names} filled in. */
export const t = (key, values = {}) =>
  (texts[current][key] ?? en[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => name in values ? String(values[name]) : whole);

// To make a format takes longer than to use it.
const formats = new Map();

function format(value, options) {
  const key = `${current} ${JSON.stringify(options)}`;
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(current, options));
  return formats.get(key).format(value);
}

export const number = (value, digits = 0) => format(value, { maximumFractionDigits: digits, minimumFractionDigits: digits });

export const percent = fraction => format(fraction, { style: "percent", maximumFractionDigits: 0 });

export const seconds = ms => ms < 950
  ? format(ms, { style: "unit", unit: "millisecond", maximumFractionDigits: 0 })
  : format(ms / 1000, { style: "unit", unit: "second", maximumFractionDigits: 1 });

export function duration(seconds) {
  const long = unit => ({ style: "unit", unit, unitDisplay: "long", maximumFractionDigits: unit === "hour" ? 1 : 0 });
  if (seconds >= 5_400) return format(seconds / 3_600, long("hour"));
  return seconds >= 90 ? format(Math.ceil(seconds / 60), long("minute")) : format(Math.ceil(seconds), long("second"));
}

export const bytes = count => count >= 1e9 ? `${number(count / 1e9, 1)} GB` : count >= 1e6 ? `${number(count / 1e6)} MB` : `${number(count / 1e3)} kB`;

document.documentElement.lang = current;
